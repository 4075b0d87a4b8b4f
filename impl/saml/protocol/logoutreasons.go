package protocol

// Reasons for which a query of the redirect binding is refused.
const (
	reasonQueryTooLarge   = "the query is too large"
	reasonQueryEncoding   = "the query is not URL-encoded"
	reasonQueryTwice      = "the query has a parameter twice or in another spelling"
	reasonQueryBase64     = "the query has a parameter that is empty or not in standard base64"
	reasonQueryKind       = "the query has a request where a response belongs, or the other way round"
	reasonQueryMissing    = "the query has no message"
	reasonQueryUnsigned   = "the query is not signed"
	reasonQueryAlgorithm  = "the query is signed with an algorithm that is not accepted"
	reasonQueryNoKey      = "none of the identity provider's certificates is valid now"
	reasonQuerySignature  = "the query was signed with no key of the identity provider, or changed"
	reasonQueryRelayState = "the relay state is too long"
	reasonQueryDeflate    = "the message is not one whole DEFLATE stream"
	reasonQueryBomb       = "the message inflates to too much"
	reasonQueryXML        = "the message is not the plain XML that it has to be"
)

// Reasons for which the content of a logout message is refused.
const (
	reasonLogoutKind        = "the message is not of the kind that belongs here"
	reasonLogoutVersion     = "the version of the message is not 2.0"
	reasonLogoutID          = "the message has no identifier, or one that is too long"
	reasonLogoutDestination = "the message is for another destination or for none"
	reasonLogoutIssuer      = "the issuer of the message is not the identity provider"
	reasonLogoutInstant     = "the time of issue is missing, too long ago or in the future"
	reasonLogoutExpired     = "the request is expired, or says in no known form when it expires"
	reasonLogoutName        = "the request does not have exactly one plain name"
	reasonLogoutSessions    = "the request has too many sessions, or one without a name"
)
