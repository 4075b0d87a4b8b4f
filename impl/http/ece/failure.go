package ece

import (
	"cmp"
	"fmt"
	"net/http"

	"github.com/labstack/echo/v4"

	server "github.com/sallyport/sallyport/gen/ece"
	"github.com/sallyport/sallyport/impl/fault"
)

// codes lists the names of codes in ECE's responses. Names that ECE does not have are this project's own.
var codes = map[fault.Code]string{
	fault.AccountNotFound:          "accounts.not_found",
	fault.DeviceConflict:           "totp.device_conflict",
	fault.DeviceNotFound:           "totp.device_not_found",
	fault.InvalidJSON:              "root.invalid_json_request",
	fault.KeyInvalidInput:          "api_keys.invalid_input",
	fault.KeyNotFound:              "api_keys.key_not_found",
	fault.KeyOwnerNotFound:         "api_keys.user_not_found",
	fault.LoginFailed:              "root.unauthenticated",
	fault.OneTimeCodeInvalid:       "authc.invalid_token",
	fault.RealmNotFound:            "saml.realm_not_found",
	fault.RecentPasswordNeeded:     "root.unauthorized.recent_password_required",
	fault.RoleAssigneeInvalid:      "role_assignments.invalid_target_user_id",
	fault.RoleAssignmentsForbidden: "role_assignments.unauthorized_role_assignments",
	fault.SecondFactorNeeded:       "root.unauthorized.second_factor_required",
	fault.SignInCodeNeeded:         "root.unauthenticated.second_factor_required",
	fault.UserCannotModify:         "user.cannot_modify",
	fault.UserCannotModifyExternal: "user.cannot_modify_external",
	fault.UserNameConflict:         "user.user_name.conflict",
	fault.UserNameInvalid:          "user.user_name.invalid",
	fault.UserNotFound:             "user.not_found",
	fault.UserRestrictedDeletion:   "user.restricted_deletion",
	fault.UserRestrictedField:      "user.restricted_field",
	fault.UserRolesForbidden:       "user.roles.forbidden",
	fault.UserRolesInvalid:         "user.roles.invalid",
}

// texts lists ECE's texts of codes that say more here than what was wrong.
var texts = map[fault.Code]string{
	fault.RouteNotFound: "The requested resource could not be found; " +
		"this server has accounts, sign-in, users and API keys only",
}

// statusElevationRequired is ECE's status for callers that must acquire elevated permissions first.
const statusElevationRequired = 449

// kinds lists the status of each kind of fault, and the name of its codes that are not in codes.
var kinds = map[fault.Kind]struct {
	status int
	code   string
}{
	fault.Internal:             {http.StatusInternalServerError, "root.internal_error"},
	fault.InvalidInput:         {http.StatusBadRequest, "root.invalid_data"},
	fault.Unauthenticated:      {http.StatusUnauthorized, "root.unauthorized"},
	fault.Forbidden:            {http.StatusForbidden, "root.unauthorized.rbac"},
	fault.ElevationRequired:    {statusElevationRequired, "root.unauthorized.rbac.elevated_permissions_required"},
	fault.NotFound:             {http.StatusNotFound, "root.resource_not_found"},
	fault.MethodNotAllowed:     {http.StatusMethodNotAllowed, "root.method_not_allowed"},
	fault.Conflict:             {http.StatusConflict, "root.conflict"},
	fault.TooLarge:             {http.StatusRequestEntityTooLarge, "root.request_too_large"},
	fault.UnsupportedMediaType: {http.StatusUnsupportedMediaType, "root.unsupported_media_type"},
	fault.NotAcceptable:        {http.StatusNotAcceptable, "root.not_acceptable"},
	fault.RateLimited:          {http.StatusTooManyRequests, "root.too_many_requests"},
	fault.NotConfigured:        {http.StatusNotImplemented, "authc.no_authentication_cluster"},
	fault.Unavailable:          {http.StatusBadGateway, "authc.authentication_cluster_error"},
	fault.Overloaded:           {http.StatusServiceUnavailable, "root.overloaded"},
}

const errorCodesHeader = "X-Cloud-Error-Codes"

// challenges are the ways to authenticate (RFC 9110, section 11.6.1).
var challenges = []string{`Basic realm="sallyport", charset="UTF-8"`, "ApiKey", "Bearer"}

// Failure implements edge.Exchange.
func (x exchange) Failure(c echo.Context, f *fault.Error) (status int, body any) {
	kind := kinds[f.Code.Kind]
	code := cmp.Or(codes[f.Code], kind.code)
	h := c.Response().Header()
	h.Set(errorCodesHeader, code)
	if kind.status == http.StatusUnauthorized {
		h[echo.HeaderWWWAuthenticate] = challenges
	}

	message := cmp.Or(texts[f.Code], f.Message)
	if f.Next != "" {
		path := x.api.contract.Path(f.Next)
		message += " at " + path
		link := fmt.Sprintf(`<%s>; rel="https://github.com/sallyport/sallyport#second-factors-and-elevation"`, path)
		h.Set("Link", link)
	}

	element := server.BasicFailedReplyElement{Code: code, Message: message}
	if len(f.Fields) > 0 {
		element.Fields = &f.Fields
	}

	return kind.status, server.BasicFailedReply{Errors: []server.BasicFailedReplyElement{element}}
}
