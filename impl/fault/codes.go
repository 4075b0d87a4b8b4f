package fault

// Code identifies an error. Its name is for logs; the HTTP families have tables of the names that codes have on the
// wire.
type Code struct {
	Name string
	Kind Kind
}

// Codes about the caller.
var (
	// LoginFailed: a sign-in failed, for any reason.
	LoginFailed = Code{"login failed", Unauthenticated}
	// CredentialsInvalid: credentials are missing, malformed, wrong, expired or revoked.
	CredentialsInvalid = Code{"credentials invalid", Unauthenticated}
	// KeyTypeWrong: an API key of another type than the request needs. Its holder has shown the secret.
	KeyTypeWrong = Code{"key type wrong", Unauthenticated}
	// ServiceTokenInvalid: the token of a service account is unknown or wrong.
	ServiceTokenInvalid = Code{"service token invalid", Unauthenticated}
	// RepresentedInvalid: a user's credentials in a request body are wrong.
	RepresentedInvalid = Code{"represented user's credentials invalid", Unauthenticated}
	// CredentialsMalformed: the credentials in a request body have another form than those that this server issues.
	CredentialsMalformed = Code{"credentials malformed", InvalidInput}
	// CredentialsUnsupported: the credentials in a request body are of an unsupported kind.
	CredentialsUnsupported = Code{"credentials unsupported", InvalidInput}
	// PermissionDenied: the caller's roles or privileges do not include the operation.
	PermissionDenied = Code{"permission denied", Forbidden}
	// RecentPasswordNeeded: the caller must prove the password again.
	RecentPasswordNeeded = Code{"recent password needed", Forbidden}
	// SecondFactorNeeded: the caller must be elevated.
	SecondFactorNeeded = Code{"second factor needed", Forbidden}
	// SignInCodeNeeded: the user must also send a valid one-time code to sign in.
	SignInCodeNeeded = Code{"sign-in code needed", Unauthenticated}
	// ElevationNeeded: the caller must first acquire elevated permissions.
	ElevationNeeded = Code{"elevation needed", ElevationRequired}
	// OneTimeCodeInvalid: the second factor's code is missing, wrong or used.
	OneTimeCodeInvalid = Code{"one-time code invalid", InvalidInput}
	// GrantInvalid: a refresh token is unknown, used or expired, or its session has been terminated (RFC 6749 section
	// 5.2).
	GrantInvalid = Code{"grant invalid", InvalidInput}
	// TooManyFailures: too many failed attempts from one address.
	TooManyFailures = Code{"too many failures", RateLimited}
)

// Codes about the request.
var (
	// InvalidData: the input is well-formed but invalid.
	InvalidData = Code{"invalid data", InvalidInput}
	// InvalidJSON: the body is not one JSON value.
	InvalidJSON = Code{"invalid JSON", InvalidInput}
	// MemberMissing: a document lacks a member.
	MemberMissing = Code{"member missing", InvalidInput}
	// ParseFailed: a part of a document is malformed.
	ParseFailed = Code{"parse failed", InvalidInput}
	// FieldInvalid: an object parser does not accept a field or its value. Fields leads to it in the body.
	FieldInvalid = Code{"field invalid", InvalidInput}
	// RequestInvalid: a parsed request failed validation; the message lists all validation errors.
	RequestInvalid = Code{"request invalid", InvalidInput}
	// ValidationFailed: a valid request does not fit the stored records; the message is worded like RequestInvalid's.
	ValidationFailed = Code{"validation failed", InvalidInput}
	// RouteNotFound: no operation has this path.
	RouteNotFound = Code{"route not found", NotFound}
	// WrongMethod: the path exists, the method does not.
	WrongMethod = Code{"wrong method", MethodNotAllowed}
	// BodyTooLarge: the body is over the limit.
	BodyTooLarge = Code{"body too large", TooLarge}
	// WrongMediaType: the operation does not accept this content type.
	WrongMediaType = Code{"wrong media type", UnsupportedMediaType}
	// MediaTypeUnsupported: the media type of a body or of an acceptable response is unsupported or missing.
	MediaTypeUnsupported = Code{"media type unsupported", NotAcceptable}
	// MediaTypeIncompatible: the requested version of a media type is unsupported, or two versions are requested.
	MediaTypeIncompatible = Code{"media type incompatible", InvalidInput}
)

// Codes about accounts, users, API keys and second factors.
var (
	// ResourceMissing: the resource does not exist, or is not the caller's.
	ResourceMissing = Code{"resource missing", NotFound}
	// ServiceTokenConflict: the service account has a token of that name.
	ServiceTokenConflict = Code{"service token conflict", Conflict}
	// ProfileMissing: there is no user profile with that id.
	ProfileMissing = Code{"profile missing", NotFound}
	// ProfileConflict: the user profile has another version.
	ProfileConflict = Code{"profile conflict", Conflict}
	// AccountNotFound: the account does not exist.
	AccountNotFound = Code{"account not found", NotFound}
	// KeyInvalidInput: the input for creating an API key is invalid.
	KeyInvalidInput = Code{"key input invalid", InvalidInput}
	// KeyNotFound: no such API key, or not the caller's.
	KeyNotFound = Code{"key not found", NotFound}
	// KeyOwnerNotFound: the user that should own API keys does not exist.
	KeyOwnerNotFound = Code{"key owner not found", NotFound}
	// UserNotFound: no such user.
	UserNotFound = Code{"user not found", NotFound}
	// UserNameInvalid: the name is not acceptable for a user.
	UserNameInvalid = Code{"user name invalid", InvalidInput}
	// UserNameConflict: a user with that name exists.
	UserNameConflict = Code{"user name conflict", Conflict}
	// UserRolesInvalid: unknown roles, or roles that exclude each other.
	UserRolesInvalid = Code{"user roles invalid", InvalidInput}
	// UserRolesForbidden: the caller may not give these roles to this user.
	UserRolesForbidden = Code{"user roles forbidden", InvalidInput}
	// UserRestrictedField: the field is read-only.
	UserRestrictedField = Code{"user field restricted", InvalidInput}
	// UserRestrictedDeletion: this user cannot be deleted by this caller.
	UserRestrictedDeletion = Code{"user deletion restricted", InvalidInput}
	// UserCannotModify: built-in users cannot be modified.
	UserCannotModify = Code{"user cannot be modified", InvalidInput}
	// UserCannotModifyExternal: the field is managed by the user's identity provider.
	UserCannotModifyExternal = Code{"external user cannot be modified", InvalidInput}
	// RoleAssigneeInvalid: the user of role assignments does not exist.
	RoleAssigneeInvalid = Code{"role assignee invalid", InvalidInput}
	// RoleAssignmentsForbidden: role assignments are not available.
	RoleAssignmentsForbidden = Code{"role assignments forbidden", Forbidden}
	// RealmNotFound: no such SAML realm, or not enabled.
	RealmNotFound = Code{"realm not found", NotFound}
	// DeviceNotFound: the user has no second factor.
	DeviceNotFound = Code{"device not found", NotFound}
	// DeviceConflict: the user has a confirmed second factor already.
	DeviceConflict = Code{"device conflict", Conflict}
)

// Codes about the server.
var (
	// ServerFailed: a defect or a broken environment; the cause is not shown to callers.
	ServerFailed = Code{"server failed", Internal}
	// ServerBusy: refused by admission control before any work was done.
	ServerBusy = Code{"server busy", Overloaded}
	// StoreMissing: the program keeps no records, which the request needs.
	StoreMissing = Code{"store missing", NotConfigured}
	// RealmsMissing: no SAML realm is enabled.
	RealmsMissing = Code{"realms missing", NotConfigured}
	// StoreUnavailable: the store failed or cannot be reached.
	StoreUnavailable = Code{"store unavailable", Unavailable}
)
