// Command client shows the typed client: it signs in, makes an API key, and lists the keys with it.
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/oapi-codegen/oapi-codegen/v2/pkg/securityprovider"

	"github.com/sallyport/sallyport/gen/client"
)

func main() {
	if len(os.Args) != 4 {
		log.Fatal("usage: client URL USER PASSWORD")
	}
	url, user, password := os.Args[1], os.Args[2], os.Args[3] // the URL without /api/v1
	ctx := context.Background()

	// A user name and a password, with every request. The other two kinds of credentials:
	// securityprovider.NewSecurityProviderBearerToken(TOKEN OF A SESSION)
	// securityprovider.NewSecurityProviderApiKey("header", "Authorization", "ApiKey "+KEY)
	basic, err := securityprovider.NewSecurityProviderBasicAuth(user, password)
	if err != nil {
		log.Fatal(err)
	}
	c, err := client.NewClientWithResponses(url, client.WithRequestEditorFn(basic.Intercept))
	if err != nil {
		log.Fatal(err)
	}

	expiration := "1h"
	created, err := c.CreateAPIKeyWithResponse(ctx,
		client.CreateAPIKeyRequest{Description: "a first key", Expiration: &expiration})
	if err != nil {
		log.Fatal(err) // there was no answer
	}
	if created.JSON201 == nil {
		log.Fatal(created.Status(), " ", string(created.Body)) // the request was refused; the body has the reason
	}
	fmt.Println("created the key", created.JSON201.ID)

	key, err := securityprovider.NewSecurityProviderApiKey("header", "Authorization", "ApiKey "+*created.JSON201.Key)
	if err != nil {
		log.Fatal(err)
	}
	withKey, err := client.NewClientWithResponses(url, client.WithRequestEditorFn(key.Intercept))
	if err != nil {
		log.Fatal(err)
	}
	list, err := withKey.GetAPIKeysWithResponse(ctx)
	if err != nil {
		log.Fatal(err)
	}
	if list.JSON200 == nil {
		log.Fatal(list.Status(), " ", string(list.Body))
	}
	for _, each := range list.JSON200.Keys {
		fmt.Println(each.ID, each.Description, each.CreationDate)
	}
}
