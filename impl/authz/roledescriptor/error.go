package roledescriptor

import (
	"fmt"

	"github.com/sallyport/sallyport/impl/fault"
)

func parseError(format string, values ...any) *fault.Error {
	return fault.New(fault.ParseFailed, fmt.Sprintf(format, values...))
}

func illegalArgument(format string, values ...any) *fault.Error {
	return fault.New(fault.IllegalArgument, fmt.Sprintf(format, values...))
}
