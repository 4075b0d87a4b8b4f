package fault

// Code is a failure's name on the wire, and its kind.
type Code struct {
	Name string
	Kind Kind
}

// Codes of ECE (the "root", "authc", "accounts" and "api_keys" families).
var (
	// LoginFailed: a sign-in failed, whatever the reason.
	LoginFailed = Code{"root.unauthenticated", Unauthenticated}
	// Unauthorized: credentials are missing, malformed, wrong or dead.
	Unauthorized = Code{"root.unauthorized", Unauthenticated}
	// PermissionMissing: the caller's roles do not include the operation.
	PermissionMissing = Code{"root.unauthorized.rbac", Forbidden}
	// InvalidData: the input is well-formed and does not fit.
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
	// KeyInvalidInput: an API key cannot be created like that.
	KeyInvalidInput = Code{"api_keys.invalid_input", InvalidInput}
	// KeyNotFound: no such API key, or not the caller's.
	KeyNotFound = Code{"api_keys.key_not_found", NotFound}
	// KeyOwnerNotFound: no such user to have API keys.
	KeyOwnerNotFound = Code{"api_keys.user_not_found", NotFound}
	// UserNotFound: no such user.
	UserNotFound = Code{"user.not_found", NotFound}
	// UserNameInvalid: a user cannot be called that.
	UserNameInvalid = Code{"user.user_name.invalid", InvalidInput}
	// UserNameConflict: there is a user of that name.
	UserNameConflict = Code{"user.user_name.conflict", Conflict}
	// UserRolesInvalid: unknown roles, or roles that do not combine.
	UserRolesInvalid = Code{"user.roles.invalid", InvalidInput}
	// UserRolesForbidden: the caller may not give these roles to this user.
	UserRolesForbidden = Code{"user.roles.forbidden", InvalidInput}
	// UserRestrictedField: the server keeps this field; nobody sets it.
	UserRestrictedField = Code{"user.restricted_field", InvalidInput}
	// UserRestrictedDeletion: this user cannot be deleted by this caller.
	UserRestrictedDeletion = Code{"user.restricted_deletion", InvalidInput}
	// InvalidOneTimeCode: the second factor's code is missing, wrong or used.
	InvalidOneTimeCode = Code{"authc.invalid_token", InvalidInput}
	// ElevationNeeded: the caller must first take elevated permissions.
	ElevationNeeded = Code{"root.unauthorized.rbac.elevated_permissions_required", ElevationRequired}
	// UserCannotModify: built-in users are as they are.
	UserCannotModify = Code{"user.cannot_modify", InvalidInput}
	// UserCannotModifyExternal: what an identity provider keeps of a user is changed there.
	UserCannotModifyExternal = Code{"user.cannot_modify_external", InvalidInput}
)

// Codes of our own, for failures that ECE publishes none for.
var (
	// WrongMethod: the path exists, the method does not.
	WrongMethod = Code{"root.method_not_allowed", MethodNotAllowed}
	// BodyTooLarge: the body is over the limit.
	BodyTooLarge = Code{"root.request_too_large", TooLarge}
	// WrongMediaType: the operation does not take this content type.
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
	// TooManyFailures: too many guesses from one address were wrong.
	TooManyFailures = Code{"root.too_many_requests", RateLimited}
	// ServerFailed: a defect or a broken environment; never explained to a caller.
	ServerFailed = Code{"root.internal_error", Internal}
	// ServerBusy: turned away before any work was done.
	ServerBusy = Code{"root.overloaded", Overloaded}
)

// Codes of Elasticsearch: the types of its exceptions. Failures with these are answered by the operations that follow
// Elasticsearch only.
var (
	// IllegalArgument: something is well-formed and makes no sense.
	IllegalArgument = Code{"illegal_argument_exception", InvalidInput}
	// ParseFailed: a part of a document is not as it must be.
	ParseFailed = Code{"parse_exception", InvalidInput}
	// XContentParseFailed: an object parser met something that it does not take.
	XContentParseFailed = Code{"x_content_parse_exception", InvalidInput}
	// RequestInvalid: a request could be read and fails its checks, all of which the message lists.
	RequestInvalid = Code{"action_request_validation_exception", InvalidInput}
	// SecurityDenied: the caller's privileges do not include the action.
	SecurityDenied = Code{"security_exception", Forbidden}
	// SecurityUnsupported: credentials inside of a request are of a kind that does not fit.
	SecurityUnsupported = Code{"security_exception", InvalidInput}
	// ResourceMissing: what the request is about does not exist, or is not the caller's.
	ResourceMissing = Code{"resource_not_found_exception", NotFound}
	// MediaTypeUnsupported: a body has a type that is not read, or none.
	MediaTypeUnsupported = Code{"media_type_header_exception", NotAcceptable}
	// MediaTypeIncompatible: a body or an answer is wanted in a version that is not spoken, or in two.
	MediaTypeIncompatible = Code{"media_type_header_exception", InvalidInput}
)

// InvalidGrant is OAuth 2.0's code (RFC 6749 section 5.2): a refresh token is unknown, used or expired, or its session has
// ended.
var InvalidGrant = Code{"invalid_grant", InvalidInput}
