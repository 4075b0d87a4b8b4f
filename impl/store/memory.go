package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"

	"modernc.org/sqlite"

	"github.com/sallyport/sallyport/impl/platform/admission"
	"github.com/sallyport/sallyport/impl/platform/secret"
)

// OpenMemory opens a database in memory, which ends with the store: a copy of an image of Image with this program's
// schema, or an empty one if the image is nil. It is for tests and for None. All transactions share one connection and
// run one after the other, so a transaction in another one would wait for itself. If the secrets of random are
// predictable, the database is marked, and Open refuses what is made of its images.
func OpenMemory(ctx context.Context, image []byte, now func() time.Time, random secret.Source) (*Store, error) {
	connector, err := sqlite.NewConnector(":memory:?_txlock=immediate&" + pragmas)
	if err != nil {
		return nil, err
	}
	db := sql.OpenDB(memoryConnector{connector, image})
	db.SetMaxOpenConns(1) // each connection would have a database of its own

	s := &Store{now: now, random: random, dialect: sqliteDialect}
	s.writer = &handle{DB: db, slots: admission.NewBound(1, admission.Many)}
	s.reader = s.writer
	// A server runs few statements of the many that there are, and to prepare all takes longer than most tests.
	s.dialect.prepared = false
	s.dialect.grouped = false // no commit waits for a disk
	if image == nil {
		if s, err = s.bringUp(ctx, "memory"); err != nil {
			return nil, err
		}
	} else if err := db.PingContext(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("the image cannot be opened: %w", err), s.Close())
	}
	if random.Predictable() {
		if err := s.markPredictable(ctx); err != nil {
			return nil, errors.Join(err, s.Close())
		}
	}
	return s, nil
}

// memoryConnector connects to databases in memory that are copies of an image, or empty ones without an image.
type memoryConnector struct {
	driver.Connector

	image []byte
}

// memoryConn is the connection of the driver to a database that has an image.
type memoryConn interface {
	Serialize() ([]byte, error)
	Deserialize(image []byte) error
}

// Connect implements driver.Connector.
func (c memoryConnector) Connect(ctx context.Context) (driver.Conn, error) {
	connection, err := c.Connector.Connect(ctx)
	if err != nil || c.image == nil {
		return connection, err
	}
	if err := connection.(memoryConn).Deserialize(c.image); err != nil {
		return nil, errors.Join(err, connection.Close())
	}
	return connection, nil
}

// errNoImage means that a database is not in memory.
var errNoImage = errors.New("store: only a database in memory has an image")

// Image returns the contents of a database of OpenMemory, as of the last commit.
func (s *Store) Image(ctx context.Context) (image []byte, err error) {
	if s.reader != s.writer {
		return nil, errNoImage
	}
	release, err := s.writer.acquire(ctx)
	if err != nil {
		return nil, err
	}
	defer release()

	connection, err := s.writer.Conn(ctx)
	if err != nil {
		return nil, err
	}
	defer connection.Close() //nolint:errcheck // it returns to the pool
	err = connection.Raw(func(c any) error {
		image, err = c.(memoryConn).Serialize()
		return err
	})
	return image, err
}
