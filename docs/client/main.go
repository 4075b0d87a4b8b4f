// Command client shows the client: it signs in, makes an API key, and lists the keys with it.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/sallyport/sallyport/impl/client"
)

func main() {
	if len(os.Args) != 4 {
		log.Fatal("usage: client URL USER PASSWORD")
	}
	url, user, password := os.Args[1], os.Args[2], os.Args[3]
	ctx := context.Background()

	c, err := client.New(url, client.WithPassword(user, password))
	if err != nil {
		log.Fatal(err)
	}
	created, err := c.CreateKey(ctx, "a first key", time.Hour)
	if err != nil {
		log.Fatal(err) // a *client.Error, with the status, the code and the reason
	}
	fmt.Println("created the key", created.ID)

	withKey, err := client.New(url, client.WithAPIKey(*created.Key))
	if err != nil {
		log.Fatal(err)
	}
	for key, err := range withKey.Keys(ctx) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(key.ID, key.Description, key.CreationDate)
	}
}
