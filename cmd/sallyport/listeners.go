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
	"github.com/sallyport/sallyport/impl/http/edge"
	"github.com/sallyport/sallyport/impl/platform/admin"
	"github.com/sallyport/sallyport/impl/platform/certificate"
	"github.com/sallyport/sallyport/impl/platform/connections"
)

// listeners are the open listeners of a server.
type listeners struct {
	public net.Listener
	// connections limits the connections of the public listener.
	connections *connections.Listener
	// admin is nil if there is no admin listener.
	admin *connections.Listener
	// certificate is the TLS certificate of the public listener, or nil.
	certificate *certificate.Files
}

// The maximum numbers of open connections. A public one costs about 20 KiB, and twice that with TLS.
const (
	publicConnections = 8192
	adminConnections  = 256
)

// otherDescriptors is the number of file descriptors reserved for the store, files, and outgoing connections. A SQLite
// connection takes two, and there are twice as many of those as processors.
const otherDescriptors = 128

// connectionLimits divides the file descriptors into the maximum numbers of connections of the two listeners. The admin
// listener has an eighth, so that callers cannot block operators.
func connectionLimits(descriptors int) (public, admin int) {
	left := descriptors - otherDescriptors
	admin = max(1, min(adminConnections, left/8))
	return max(1, min(publicConnections, left-admin)), admin
}

// listen opens the listeners. Without an adminAddress there is no admin listener.
func listen(ctx context.Context, address, adminAddress string, log *slog.Logger) (listeners, error) {
	descriptors := descriptorLimit()
	publicMax, adminMax := connectionLimits(descriptors)
	if publicMax < publicConnections {
		log.Warn("few file descriptors: connections limited", "limit", descriptors, "connections", publicMax)
	}

	public, err := listenAt(ctx, "listen", address, publicMax, installed().setting("listen", another(address, "12401")))
	if err != nil || adminAddress == "" {
		return listeners{public: public, connections: public}, err
	}
	admin, err := listenAt(ctx, "admin.listen", adminAddress, adminMax,
		installed().setting("admin.listen", another(adminAddress, "12491"))+", or none, which is empty")
	if err != nil {
		return listeners{}, errors.Join(err, public.Close())
	}
	return listeners{public: public, connections: public, admin: admin}, nil
}

// another returns an address with another port.
func another(address, port string) string {
	host, _, _ := net.SplitHostPort(address) // the configuration has been validated
	return net.JoinHostPort(host, port)
}

// listenAt opens the listener of a setting. If the address is in use, its error names the alternative.
func listenAt(ctx context.Context, key, address string, limit int, alternative string) (*connections.Listener, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("%s: %w; is another server running? Another port: %s", key, err, alternative)
	}
	if err != nil {
		return nil, usageErrorf("%s: %w", key, err)
	}
	return connections.New(listener, limit), nil
}

// secure adds TLS to the public listener if it is configured. Without TLS only a loopback address is accepted, unless
// plain_http says that something in front adds TLS. It returns the listeners in any case.
func (l listeners) secure(c config.Config, log *slog.Logger) (listeners, error) {
	if c.TLSCertificate != "" {
		files, err := certificate.Load(c.TLSCertificate, c.TLSKey, time.Now, log)
		if err != nil {
			return l, usageErrorf("tls.certificate: %w", err)
		}
		l.public, l.certificate = tls.NewListener(l.public, files.Config()), files
		return l, nil
	}

	var ip net.IP
	if address, isTCP := l.public.Addr().(*net.TCPAddr); isTCP {
		ip = address.IP
	}
	if ip.IsLoopback() {
		return l, nil
	}
	if err := requireTLS(c, ip, l.public.Addr().String()); err != nil {
		return l, usageError(err)
	}
	log.Warn("plain HTTP serves other machines: passwords and keys are unencrypted unless something in front adds TLS")
	return l, nil
}

// url returns the base URL of the public listener.
func (l listeners) url() string {
	if l.certificate != nil {
		return "https://" + l.public.Addr().String()
	}
	return "http://" + l.public.Addr().String()
}

// Close closes the listeners.
func (l listeners) Close() error {
	if l.admin == nil {
		return l.public.Close()
	}
	return errors.Join(l.public.Close(), l.admin.Close())
}

// served is what the listeners serve.
type served struct {
	handler, metrics http.Handler
	ready            func(context.Context) error
}

// ofApp returns what an app serves.
func ofApp(a *app.App) served { return served{handler: a.Handler, metrics: a.Metrics, ready: a.Ready} }

// serve serves until ctx is done, and then drains the requests in progress. The admin listener answers until they are
// finished, so that /readyz shows the load balancer that the server stops.
func (l listeners) serve(ctx context.Context, s served, c config.Config, log *slog.Logger) error {
	public := edge.NewServer(s.handler, log)
	l.connections.Watch(public)
	if l.admin == nil {
		return drain(ctx, public, l.public, c.DrainDelay, log)
	}

	private := edge.NewServer(admin.New(admin.Deps{
		Hosts:    c.AdminHosts,
		Stopping: ctx,
		Ready:    s.ready,
		Metrics:  s.metrics,
		Log:      log,
	}), log)
	l.admin.Watch(private)
	log.Info("admin listener started", "url", "http://"+l.admin.Addr().String())
	go func() {
		if err := private.Serve(l.admin); !errors.Is(err, http.ErrServerClosed) {
			log.Error("admin listener stopped", "error", err)
		}
	}()
	return errors.Join(drain(ctx, public, l.public, c.DrainDelay, log), shutDownAdmin(ctx, private))
}

// adminDrainTime is the time limit for the admin listener's requests in progress at shutdown.
const adminDrainTime = 2 * time.Second

// shutDownAdmin closes the admin server after its requests in progress, or at the time limit.
func shutDownAdmin(ctx context.Context, server *http.Server) error {
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), adminDrainTime)
	defer cancel()
	if err := server.Shutdown(limited); err != nil {
		return server.Close()
	}
	return nil
}
