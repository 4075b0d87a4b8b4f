package roledescriptor

import (
	"fmt"

	"github.com/sallyport/sallyport/impl/fault"
)

func parseError(format string, values ...any) *fault.Error {
	return fault.New(fault.ParseFailed, fmt.Sprintf(format, values...))
}

func illegalArgument(format string, values ...any) *fault.Error {
	return fault.New(fault.InvalidData, fmt.Sprintf(format, values...))
}
