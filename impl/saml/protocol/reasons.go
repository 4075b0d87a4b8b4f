package protocol

// The reasons of refusals are fixed texts that contain nothing from the message.

// Reasons for which the document is refused.
const (
	reasonTooLarge    = "the message is too large"
	reasonBase64      = "the message is not in standard base64"
	reasonEncoding    = "the XML is not in UTF-8, or its declaration is not plain"
	reasonMarkup      = "the XML has a document type, comments, CDATA or processing instructions"
	reasonMalformed   = "the XML is not well-formed"
	reasonTrailing    = "the XML has content outside its root"
	reasonDepth       = "the XML is nested too deeply"
	reasonElements    = "the XML has too many elements"
	reasonAttributes  = "the XML has too many attributes"
	reasonName        = "the XML has a name that does not survive being written and read"
	reasonNamespaces  = "the XML has bad namespaces"
	reasonDuplicate   = "the XML has an attribute twice on one element"
	reasonDuplicateID = "the XML has an identifier twice"
)

// Reasons for which the signature or the encryption is refused.
const (
	reasonNotResponse      = "the message is not a response"
	reasonLayout           = "the response has an element where it must not be"
	reasonAssertions       = "the response does not have exactly one assertion"
	reasonSignatures       = "an element has more than one signature"
	reasonSignatureShape   = "the signature is not in the one accepted form"
	reasonReference        = "the signature refers to something else than its parent"
	reasonAlgorithm        = "the signature uses an algorithm that is not accepted"
	reasonCanonicalization = "the signature uses a canonicalization that is not accepted"
	reasonSignature        = "the signature was made with no key of the identity provider"
	reasonCertificate      = "the signature was made with a certificate that is expired or not yet valid"
	reasonDigest           = "the signed content was changed"
	reasonUnsigned         = "neither the response nor the assertion is signed"
	reasonCipher           = "the assertion is encrypted with an algorithm that is not accepted"
	reasonCBC              = "the assertion is encrypted without authentication and the response is not signed"
	reasonDecryption       = "the assertion cannot be decrypted"
)

// Reasons for which the content is refused for this login.
const (
	reasonVersion           = "the version is not 2.0"
	reasonID                = "an identifier is missing"
	reasonIssueInstant      = "the time of issue is missing, too long ago or in the future"
	reasonDestination       = "the response is for another destination"
	reasonNoDestination     = "the signed response has no destination"
	reasonIssuer            = "the issuer is not the identity provider"
	reasonInResponseTo      = "the message does not answer our request"
	reasonUnsolicited       = "the message answers no request, and the realm does not allow that"
	reasonStatus            = "the status is not success"
	reasonSubject           = "the assertion does not have exactly one subject with one name"
	reasonNameID            = "the name is empty, too long, or has characters that names do not have"
	reasonQualifier         = "the name's format or a qualifier is too long or has control characters"
	reasonNameIDFormat      = "the name is not in the format that the realm asks for"
	reasonConfirmation      = "the subject has no bearer confirmation"
	reasonRecipient         = "the confirmation is for another recipient"
	reasonConfirmationTime  = "the confirmation is expired or does not say when it expires"
	reasonConfirmationStart = "the confirmation says when it begins, which it must not"
	reasonConditions        = "the assertion does not have exactly one set of conditions"
	reasonConditionKind     = "the assertion has a condition that is not known"
	reasonConditionsTime    = "the conditions are expired or not yet fulfilled"
	reasonAudience          = "the assertion is for another audience"
	reasonAuthnStatement    = "the assertion does not have exactly one authentication statement"
	reasonAuthnInstant      = "the time of authentication is missing or in the future"
	reasonSessionExpired    = "the session at the identity provider is over: its SessionNotOnOrAfter is past or is no time"
	reasonAuthnOld          = "the user authenticated before the request, and the realm has force_authn"
	reasonForcedUnsolicited = "the message answers no request, and the realm has force_authn"
	reasonAuthnContext      = "the authentication is of none of the classes in the realm's requested_authn_context"
	reasonAttribute         = "the assertion has an attribute without a name"
)
