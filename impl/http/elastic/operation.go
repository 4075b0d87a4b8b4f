package elastic

import (
	"context"
	"encoding/json"
	"iter"
	"net/http"

	"github.com/labstack/echo/v4"

	gen "github.com/sallyport/sallyport/gen/elastic"
	"github.com/sallyport/sallyport/impl/authz/access"
	"github.com/sallyport/sallyport/impl/http/compatibility"
	"github.com/sallyport/sallyport/impl/http/contract"
	"github.com/sallyport/sallyport/impl/http/edge"
)

// actionExtension names the action of an operation in the contract. Refusals give it, and cluster privileges grant it.
const actionExtension = "x-elasticsearch-action"

// row is one operation, or several that differ only in their method or path. The functions run in this order, which is
// Elasticsearch's: an unreadable or invalid request is answered with 400 whether or not its caller has the privilege.
type row[In, Out any] struct {
	operations []string
	// undecoded names the members of the body that read takes undecoded.
	undecoded []string
	// read reads the request. It also returns the refusal of a body that the contract does not allow.
	read func(request) (In, error)
	// check validates what was read; nil if there is nothing to validate.
	check func(In) error
	// authorize decides on the caller and the input; nil to require a privilege for the operation's action.
	authorize func(call, In) error
	// open is the reason why every authenticated caller may do this; "" for all other operations.
	open string
	do   func(context.Context, call, In) (Out, error)
	show func(Out) (response, error)
}

// operation is a row of any type.
type operation interface {
	ids() []string
	// raw names the members of the body that are left undecoded.
	raw() []string
	// refuse returns the row's refusal of a request, or nil.
	refuse(request) error
	serve(context.Context, call, request) (response, error)
}

// request is a validated request.
type request struct {
	params map[string]string
	query  map[string]string
	// caller is the name of the caller's user.
	caller string
	// body is the document in the types of strictjson.Decode, but that some members are xcontent.Raw if the operation
	// takes them undecoded; nil if there is none.
	body any
	// bodySent is set if the request has a body, which may be null.
	bodySent bool
	// dataSources is set if the version that is spoken has privileges on data sources.
	dataSources bool
}

// flag reports whether a boolean parameter of the query string is true.
func (r request) flag(name string) bool { return r.query[name] == "true" }

// call is the caller of an operation.
type call struct {
	access.Subject

	// action is the operation's action.
	action string
}

// response is the answer of an operation.
type response struct {
	status int
	// body is encoded as JSON; nil for a response without a body.
	body any
	// write writes a body that must not be held as a whole; nil for all others.
	write func(http.ResponseWriter) error
	// parts are a list that must not be held as a whole, for edge.SendList; nil for all others.
	parts iter.Seq2[[]byte, error]
}

func ok(body any) (response, error) { return response{status: http.StatusOK, body: body}, nil }

// okay is ok for a model.
func okay[T any](model T) (response, error) { return ok(model) }

// listing is the result of an operation that selects by name.
type listing struct {
	body any
	// missing is set if the request names what it selects, and none of that exists.
	missing bool
}

// showListing answers with 404 if nothing was found, with the body of a success, as Elasticsearch does.
func showListing(l listing) (response, error) {
	if l.missing {
		return response{status: http.StatusNotFound, body: l.body}, nil
	}
	return ok(l.body)
}

func showDeleted(found bool) (response, error) {
	return showListing(listing{gen.FoundResponse{Found: found}, !found})
}

func showEmpty(none) (response, error) { return ok(gen.EmptyResponse{}) }

// none is the input of operations that read nothing of their request, or the output of those that return nothing.
type none struct{}

func readNothing(request) (none, error) { return none{}, nil }

func doNothing(context.Context, call, none) (none, error) { return none{}, nil }

// selection selects by name.
type selection struct {
	// names is nil for all.
	names []string
	// named is set if the request names what it selects, if only by *.
	named bool
}

// selectBy returns the read function of a row that selects by a parameter of the path, which some of its operations
// have.
func selectBy(parameter string) func(request) (selection, error) {
	return func(r request) (selection, error) {
		names, named := r.params[parameter]
		return selection{list(names), named}, nil
	}
}

// readParam returns the read function of a row that reads a parameter of the path alone.
func readParam(parameter string) func(request) (string, error) {
	return func(r request) (string, error) { return r.params[parameter], nil }
}

// bodyOf returns the read function of a row that reads the body alone.
func bodyOf[T any](read func(body any) (T, error)) func(request) (T, error) {
	return func(r request) (T, error) { return read(r.body) }
}

func (o row[In, Out]) ids() []string { return o.operations }

func (o row[In, Out]) raw() []string { return o.undecoded }

func (o row[In, Out]) refuse(r request) error {
	_, err := o.read(r)
	return err
}

func (o row[In, Out]) serve(ctx context.Context, caller call, r request) (response, error) {
	in, err := o.read(r)
	if err != nil {
		return response{}, err
	}

	if o.check != nil {
		if err := o.check(in); err != nil {
			return response{}, err
		}
	}

	if err := o.permit(caller, in); err != nil {
		return response{}, err
	}

	out, err := o.do(ctx, caller, in)
	if err != nil {
		return response{}, err
	}

	return o.show(out)
}

func (o row[In, Out]) permit(caller call, in In) error {
	switch {
	case o.open != "":
		return nil
	case o.authorize != nil:
		return o.authorize(caller, in)
	}
	return caller.Require(caller.action)
}

// handle returns the handler of an operation.
func (a *API) handle(op *contract.Operation, row operation) echo.HandlerFunc {
	action := op.Extension(actionExtension)
	return func(c echo.Context) error {
		x := edge.ExchangeOf(c).(*exchange)
		params, err := edge.PathParams(c)
		if err != nil {
			return err
		}

		r := request{
			params:      params,
			query:       x.query,
			caller:      x.subject.User,
			bodySent:    len(x.body) > 0,
			dataSources: a.Speaks.Has(compatibility.DataSources),
		}
		var refused error
		document, err := op.ValidateFor(c.Request(), params, func(body any) error {
			r.body = body
			refused = row.refuse(r)
			return refused
		})
		switch {
		case refused != nil:
			return refused
		case err != nil:
			return x.refusal(err, row, r)
		}
		r.body = document.Value(row.raw()...)

		answer, err := row.serve(c.Request().Context(), call{x.subject, action}, r)
		if err != nil {
			return err
		}

		return answer.send(c)
	}
}

func (r response) send(c echo.Context) error {
	switch {
	case r.parts != nil:
		return edge.SendList(c, r.parts)
	case r.write != nil:
		c.Response().Header().Set(echo.HeaderContentType, echo.MIMEApplicationJSON)
		c.Response().WriteHeader(r.status)
		return r.write(c.Response())
	case r.body == nil:
		return c.NoContent(r.status)
	}

	text, err := json.Marshal(r.body)
	if err != nil {
		return err
	}

	return c.JSONBlob(r.status, append(text, '\n'))
}
