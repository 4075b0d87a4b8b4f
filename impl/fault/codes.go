package fault

// Code is the name of an error on the wire, and its kind.
type Code struct {
	Name string
	Kind Kind
}

// Codes of ECE (the "root", "authc", "accounts" and "api_keys" families).
var (
	// LoginFailed: a sign-in failed, for any reason.
	LoginFailed = Code{"root.unauthenticated", Unauthenticated}
	// Unauthorized: credentials are missing, malformed, wrong, expired or revoked.
	Unauthorized = Code{"root.unauthorized", Unauthenticated}
	// PermissionMissing: the caller's roles do not include the operation.
	PermissionMissing = Code{"root.unauthorized.rbac", Forbidden}
	// InvalidData: the input is well-formed but invalid.
	InvalidData = Code{"root.invalid_data", InvalidInput}
	// InvalidJSON: the body is not one JSON value.
	InvalidJSON = Code{"root.invalid_json_request", InvalidInput}
	// ResourceNotFound: no route has this path.
	ResourceNotFound = Code{"root.resource_not_found", NotFound}
	// NoAuthenticationCluster: the program runs without a store.
	NoAuthenticationCluster = Code{"authc.no_authentication_cluster", NotConfigured}
	// AuthenticationClusterError: the store failed or cannot be reached.
	AuthenticationClusterError = Code{"authc.authentication_cluster_error", Unavailable}
	// AccountNotFound: the account does not exist.
	AccountNotFound = Code{"accounts.not_found", NotFound}
	// KeyInvalidInput: the input for creating an API key is invalid.
	KeyInvalidInput = Code{"api_keys.invalid_input", InvalidInput}
	// KeyNotFound: no such API key, or not the caller's.
	KeyNotFound = Code{"api_keys.key_not_found", NotFound}
	// KeyOwnerNotFound: the user that should own API keys does not exist.
	KeyOwnerNotFound = Code{"api_keys.user_not_found", NotFound}
	// UserNotFound: no such user.
	UserNotFound = Code{"user.not_found", NotFound}
	// UserNameInvalid: the name is not acceptable for a user.
	UserNameInvalid = Code{"user.user_name.invalid", InvalidInput}
	// UserNameConflict: a user with that name exists.
	UserNameConflict = Code{"user.user_name.conflict", Conflict}
	// UserRolesInvalid: unknown roles, or roles that exclude each other.
	UserRolesInvalid = Code{"user.roles.invalid", InvalidInput}
	// UserRolesForbidden: the caller may not give these roles to this user.
	UserRolesForbidden = Code{"user.roles.forbidden", InvalidInput}
	// UserRestrictedField: the field is read-only.
	UserRestrictedField = Code{"user.restricted_field", InvalidInput}
	// UserRestrictedDeletion: this user cannot be deleted by this caller.
	UserRestrictedDeletion = Code{"user.restricted_deletion", InvalidInput}
	// InvalidOneTimeCode: the second factor's code is missing, wrong or used.
	InvalidOneTimeCode = Code{"authc.invalid_token", InvalidInput}
	// ElevationNeeded: the caller must first acquire elevated permissions.
	ElevationNeeded = Code{"root.unauthorized.rbac.elevated_permissions_required", ElevationRequired}
	// UserCannotModify: built-in users cannot be modified.
	UserCannotModify = Code{"user.cannot_modify", InvalidInput}
	// UserCannotModifyExternal: the field is managed by the user's identity provider.
	UserCannotModifyExternal = Code{"user.cannot_modify_external", InvalidInput}
)

// Codes of this project, for errors that ECE has no code for.
var (
	// WrongMethod: the path exists, the method does not.
	WrongMethod = Code{"root.method_not_allowed", MethodNotAllowed}
	// BodyTooLarge: the body is over the limit.
	BodyTooLarge = Code{"root.request_too_large", TooLarge}
	// WrongMediaType: the operation does not accept this content type.
	WrongMediaType = Code{"root.unsupported_media_type", UnsupportedMediaType}
	// RecentPasswordNeeded: the caller must prove the password again.
	RecentPasswordNeeded = Code{"root.unauthorized.recent_password_required", Forbidden}
	// SecondFactorNeeded: the caller must be elevated.
	SecondFactorNeeded = Code{"root.unauthorized.second_factor_required", Forbidden}
	// RealmNotFound: no such SAML realm, or not enabled.
	RealmNotFound = Code{"saml.realm_not_found", NotFound}
	// DeviceNotFound: the user has no second factor.
	DeviceNotFound = Code{"totp.device_not_found", NotFound}
	// DeviceConflict: the user has a confirmed second factor already.
	DeviceConflict = Code{"totp.device_conflict", Conflict}
	// TooManyFailures: too many failed attempts from one address.
	TooManyFailures = Code{"root.too_many_requests", RateLimited}
	// ServerFailed: a defect or a broken environment; the cause is not shown to callers.
	ServerFailed = Code{"root.internal_error", Internal}
	// ServerBusy: refused by admission control before any work was done.
	ServerBusy = Code{"root.overloaded", Overloaded}
)

// Codes of Elasticsearch: the types of its exceptions. Only Elasticsearch operations return them.
var (
	// IllegalArgument: a value is well-formed but invalid.
	IllegalArgument = Code{"illegal_argument_exception", InvalidInput}
	// ParseFailed: a part of a document is malformed.
	ParseFailed = Code{"parse_exception", InvalidInput}
	// XContentParseFailed: an object parser does not accept a field or its value.
	XContentParseFailed = Code{"x_content_parse_exception", InvalidInput}
	// RequestInvalid: a parsed request failed validation; the message lists all validation errors.
	RequestInvalid = Code{"action_request_validation_exception", InvalidInput}
	// SecurityDenied: the caller's privileges do not include the action.
	SecurityDenied = Code{"security_exception", Forbidden}
	// SecurityUnsupported: the credentials in a request body are of an unsupported kind.
	SecurityUnsupported = Code{"security_exception", InvalidInput}
	// ResourceMissing: the resource does not exist, or is not the caller's.
	ResourceMissing = Code{"resource_not_found_exception", NotFound}
	// MediaTypeUnsupported: the media type of a body is unsupported or missing.
	MediaTypeUnsupported = Code{"media_type_header_exception", NotAcceptable}
	// MediaTypeIncompatible: the requested version of a media type is unsupported, or two versions are requested.
	MediaTypeIncompatible = Code{"media_type_header_exception", InvalidInput}
)

// InvalidGrant is OAuth 2.0's code (RFC 6749 section 5.2): a refresh token is unknown, used or expired, or its session has
// been terminated.
var InvalidGrant = Code{"invalid_grant", InvalidInput}
