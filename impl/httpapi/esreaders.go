package httpapi

// readers word the refusals of bodies, by the ids of the operations that have one.
var readers = map[string]bodyReader{
	"security-bulk-update-api-keys": ignoring2(readBulkUpdate),
}
