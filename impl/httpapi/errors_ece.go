package httpapi

import (
	"fmt"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/sallyport/sallyport/gen/server"
	"github.com/sallyport/sallyport/impl/fault"
)

// codesOfECE lists the names of codes in ECE's responses. Names that ECE does not have are this project's own.
var codesOfECE = map[fault.Code]string{
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
	fault.SecondFactorNeeded:       "root.unauthorized.second_factor_required",
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

// kindsOfECE lists the names of all other codes.
var kindsOfECE = map[fault.Kind]string{
	fault.Internal:             "root.internal_error",
	fault.InvalidInput:         "root.invalid_data",
	fault.Unauthenticated:      "root.unauthorized",
	fault.Forbidden:            "root.unauthorized.rbac",
	fault.ElevationRequired:    "root.unauthorized.rbac.elevated_permissions_required",
	fault.NotFound:             "root.resource_not_found",
	fault.MethodNotAllowed:     "root.method_not_allowed",
	fault.Conflict:             "root.conflict",
	fault.TooLarge:             "root.request_too_large",
	fault.UnsupportedMediaType: "root.unsupported_media_type",
	fault.NotAcceptable:        "root.not_acceptable",
	fault.RateLimited:          "root.too_many_requests",
	fault.NotConfigured:        "authc.no_authentication_cluster",
	fault.Unavailable:          "authc.authentication_cluster_error",
	fault.Overloaded:           "root.overloaded",
}

func codeOfECE(code fault.Code) string {
	if name, ok := codesOfECE[code]; ok {
		return name
	}
	return kindsOfECE[code.Kind]
}

const errorCodesHeader = "X-Cloud-Error-Codes"

// challenges are the ways to authenticate (RFC 9110, section 11.6.1).
var challenges = []string{`Basic realm="sallyport", charset="UTF-8"`, "ApiKey", "Bearer"}

// failureOfECE answers a failure as ECE does.
func failureOfECE(c echo.Context, f *fault.Error) (status int, body any) {
	status = statuses[f.Code.Kind]
	h := c.Response().Header()
	code := codeOfECE(f.Code)
	h.Set(errorCodesHeader, code)
	if status == http.StatusUnauthorized {
		h[echo.HeaderWWWAuthenticate] = challenges
	}
	if f.Next != "" {
		h.Set("Link", fmt.Sprintf(`<%s>; rel="https://github.com/sallyport/sallyport#second-factors-and-elevation"`, paths()[f.Next]))
	}
	element := server.BasicFailedReplyElement{Code: code, Message: f.Message}
	if len(f.Fields) > 0 {
		element.Fields = &f.Fields
	}
	return status, server.BasicFailedReply{Errors: []server.BasicFailedReplyElement{element}}
}
