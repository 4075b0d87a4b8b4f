package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"
	"slices"
	"strconv"
	"time"
)

// connections is the number of connections of a load; each has one request at a time.
const connections = 16

// load is what a server answered.
type load struct {
	// perSecond is the number of answers per second.
	perSecond float64
	// half and most are the 50th and the 99th percentile of the time to the answer.
	half, most time.Duration
}

// loader sends one request again and again. It does nothing else, so that a server on the same processors has them: the
// request is bytes, and of the answer it reads the status and the length.
type loader struct {
	conn    net.Conn
	reader  *bufio.Reader
	request []byte
	took    []time.Duration
}

// put loads a server with a request for a time.
func put(ctx context.Context, address string, request []byte, length time.Duration) (load, error) {
	// One thread, as of other load generators: those of the server are to be more.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))

	loaders := make([]*loader, connections)
	for i := range loaders {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
		if err != nil {
			return load{}, err
		}
		defer conn.Close() //nolint:errcheck // nothing more is read
		loaders[i] = &loader{conn: conn, reader: bufio.NewReader(conn), request: request}
	}

	began := time.Now()
	failures := make(chan error, len(loaders))
	for _, l := range loaders {
		go func() { failures <- l.send(began.Add(length)) }()
	}
	var failed error
	for range loaders {
		failed = errors.Join(failed, <-failures)
	}
	if failed != nil {
		return load{}, failed
	}

	var all []time.Duration
	for _, l := range loaders {
		all = append(all, l.took...)
	}
	slices.Sort(all)
	return load{
		perSecond: float64(len(all)) / time.Since(began).Seconds(),
		half:      all[len(all)/2],
		most:      all[len(all)*99/100],
	}, nil
}

// send sends requests until a time.
func (l *loader) send(until time.Time) error {
	for sent := time.Now(); sent.Before(until); {
		if err := l.exchange(); err != nil {
			return err
		}
		now := time.Now()
		l.took = append(l.took, now.Sub(sent))
		sent = now
	}
	return nil
}

// exchange sends the request, and reads its answer, which must be a success with a length.
func (l *loader) exchange() error {
	if _, err := l.conn.Write(l.request); err != nil {
		return err
	}
	status, err := l.reader.ReadSlice('\n')
	if err != nil {
		return err
	}
	if !bytes.HasPrefix(status, []byte("HTTP/1.1 200 ")) {
		return fmt.Errorf("answered %q", status)
	}

	length := -1
	for {
		line, err := l.reader.ReadSlice('\n')
		if err != nil {
			return err
		}
		if len(line) == len("\r\n") {
			break
		}
		if text, found := bytes.CutPrefix(line, []byte("Content-Length: ")); found {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(text))); err != nil {
				return err
			}
		}
	}
	if length < 0 {
		return errors.New("answered without a length")
	}
	_, err = l.reader.Discard(length)
	return err
}
