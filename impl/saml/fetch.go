package saml

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/sallyport/sallyport/impl/saml/protocol"
)

// fetchTime bounds the time that fetching metadata may take.
const fetchTime = 10 * time.Second

// fetchMetadata reads the metadata of an identity provider from its file or URL.
func fetchMetadata(ctx context.Context, p IdentityProvider) ([]byte, error) {
	if !p.MetadataIsURL() {
		file, err := os.Open(p.Metadata)
		if err != nil {
			return nil, err
		}
		defer file.Close() //nolint:errcheck // it was only read
		return readMetadata(file)
	}
	ctx, cancel := context.WithTimeout(ctx, fetchTime)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.Metadata, nil)
	if err != nil {
		return nil, err
	}
	response, err := metadataClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close() //nolint:errcheck // it was only read
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the address of the metadata answers %s", response.Status)
	}
	return readMetadata(response.Body)
}

// metadataClient follows no redirects: where metadata is trusted to come from is configured.
var metadataClient = &http.Client{
	CheckRedirect: func(*http.Request, []*http.Request) error {
		return errors.New("the address of the metadata redirects; configure where it leads")
	},
}

func readMetadata(from io.Reader) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(from, protocol.MaxMetadata+1))
	if err == nil && len(body) > protocol.MaxMetadata {
		err = fmt.Errorf("the metadata has more than %d bytes", protocol.MaxMetadata)
	}
	return body, err
}
