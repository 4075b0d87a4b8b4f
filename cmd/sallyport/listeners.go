package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"syscall"
	"time"

	"github.com/sallyport/sallyport/impl/app"
	"github.com/sallyport/sallyport/impl/config"
	"github.com/sallyport/sallyport/impl/httpapi"
	"github.com/sallyport/sallyport/impl/platform/admin"
	"github.com/sallyport/sallyport/impl/platform/certificate"
	"github.com/sallyport/sallyport/impl/platform/connections"
)

// listeners are where a server serves.
type listeners struct {
	public net.Listener
	// connections are those of the public one.
	connections *connections.Listener
	// admin is nil if there is none.
	admin *connections.Listener
	// certificate is what the public one speaks TLS with, or nil.
	certificate *certificate.Files
}

// How many connections are open at most. What a public one costs is some 20 KiB, and twice that with TLS.
const (
	publicConnections = 8192
	adminConnections  = 256
)

// otherDescriptors are left for the store, the files that are read, and what is connected to: two a connection to SQLite, and
// there are twice as many of those as processors.
const otherDescriptors = 128

// connectionLimits returns how many connections the listeners have open at most, for a limit of file descriptors. Operators
// have an eighth, so that callers cannot keep them out.
func connectionLimits(descriptors int) (public, admin int) {
	left := descriptors - otherDescriptors
	admin = max(1, min(adminConnections, left/8))
	return max(1, min(publicConnections, left-admin)), admin
}

// listen takes the addresses. That of the admin listener may be empty.
func listen(ctx context.Context, address, adminAddress string, log *slog.Logger) (listeners, error) {
	descriptors := descriptorLimit()
	publicMost, adminMost := connectionLimits(descriptors)
	if publicMost < publicConnections {
		log.Warn("few file descriptors: fewer connections are open at once", "limit", descriptors, "connections", publicMost)
	}
	public, err := listenAt(ctx, address, publicMost, "--listen 127.0.0.1:12401, or make run LISTEN=127.0.0.1:12401")
	if err != nil || adminAddress == "" {
		return listeners{public: public, connections: public}, err
	}
	admin, err := listenAt(ctx, adminAddress, adminMost, "--admin.listen 127.0.0.1:12491, or --admin.listen= for no admin listener")
	if err != nil {
		return listeners{}, errors.Join(err, public.Close())
	}
	return listeners{public: public, connections: public, admin: admin}, nil
}

// listenAt takes one address, or says how to take another one.
func listenAt(ctx context.Context, address string, most int, instead string) (*connections.Listener, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("%w; is another server running? Another port: %s", err, instead)
	}
	if err != nil {
		return nil, err
	}
	return connections.New(listener, most), nil
}

// secure adds TLS to the public listener where that is configured. Without it, only this machine is served, unless the
// operator says that something else protects what is sent. The listeners are returned in any case.
func (l listeners) secure(c config.Config, log *slog.Logger) (listeners, error) {
	if c.TLSCertificate != "" {
		files, err := certificate.Load(c.TLSCertificate, c.TLSKey, time.Now, log)
		if err != nil {
			return l, fmt.Errorf("tls.certificate: %w", err)
		}
		l.public, l.certificate = tls.NewListener(l.public, files.Config()), files
		return l, nil
	}
	address, isTCP := l.public.Addr().(*net.TCPAddr)
	if isTCP && address.IP.IsLoopback() {
		return l, nil
	}
	if !c.PlainHTTP {
		return l, fmt.Errorf("%s serves other machines, and passwords and keys would travel in the clear: set tls.certificate and tls.key; "+
			"or plain_http to true, if something in front adds TLS", l.public.Addr())
	}
	log.Warn("serving plain HTTP to other machines: passwords and keys travel in the clear unless something in front adds TLS")
	return l, nil
}

// url is where the server serves.
func (l listeners) url() string {
	if l.certificate != nil {
		return "https://" + l.public.Addr().String()
	}
	return "http://" + l.public.Addr().String()
}

// Close gives the addresses back.
func (l listeners) Close() error {
	if l.admin == nil {
		return l.public.Close()
	}
	return errors.Join(l.public.Close(), l.admin.Close())
}

// serve serves until ctx ends, and then finishes the requests under way. The admin listener answers until they are
// finished, so that an operator sees that; whoever spreads requests has the delay to notice.
func (l listeners) serve(ctx context.Context, a *app.App, c config.Config, log *slog.Logger) error {
	public := httpapi.NewServer(a.Handler, log)
	l.connections.Watch(public)
	if l.admin == nil {
		return drain(ctx, public, l.public, c.DrainDelay, log)
	}
	beside := httpapi.NewServer(admin.New(admin.Deps{Hosts: c.AdminHosts, Stopping: ctx, Ready: a.Ready, Metrics: a.Metrics, Log: log}), log)
	l.admin.Watch(beside)
	log.Info("answering operators", "url", "http://"+l.admin.Addr().String())
	go func() {
		if err := beside.Serve(l.admin); !errors.Is(err, http.ErrServerClosed) {
			log.Error("operators get no more answers", "error", err)
		}
	}()
	return errors.Join(drain(ctx, public, l.public, c.DrainDelay, log), dismiss(ctx, beside))
}

// adminDrainTime is how long operators' last questions may take.
const adminDrainTime = 2 * time.Second

// dismiss gives operators the answers that they wait for.
func dismiss(ctx context.Context, server *http.Server) error {
	patience, cancel := context.WithTimeout(context.WithoutCancel(ctx), adminDrainTime)
	defer cancel()
	if err := server.Shutdown(patience); err != nil {
		return server.Close()
	}
	return nil
}
