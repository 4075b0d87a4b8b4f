package main

import (
	"io"
	"strings"

	"github.com/mdp/qrterminal/v3"
	"github.com/spf13/cobra"
)

// device is a new second factor, which is printed once and cannot be read again.
type device struct {
	User          string   `json:"user"`
	Secret        string   `json:"secret"`
	URI           string   `json:"uri"`
	RecoveryCodes []string `json:"recovery_codes"`
}

func newUserTOTP() *cobra.Command {
	var out printer
	var remove bool
	const short = "Replace a user's second factor with a new one, which is valid immediately"
	cmd := storeCommand(&cobra.Command{
		Use:     "totp NAME",
		Short:   short,
		Example: "  sallyport user totp alice\n  sallyport user totp alice --remove",
		Args:    oneName,
	}, func(cmd *cobra.Command, r records, args []string) error {
		if remove {
			return removeSecondFactor(cmd, r, args[0])
		}
		d, err := provision(cmd, r, args[0])
		if err != nil {
			return err
		}
		if out.format != "text" {
			return out.write(cmd.OutOrStdout(), d)
		}
		return d.writeText(cmd.OutOrStdout())
	})
	cmd.Flags().BoolVar(&remove, "remove", false, "remove the second factor instead")
	out.addText(cmd)
	return completeNames(cmd, userNames)
}

func removeSecondFactor(cmd *cobra.Command, r records, name string) error {
	elevations, err := r.elevations(cmd.Context())
	if err != nil {
		return err
	}
	if err := elevations.Withdraw(cmd.Context(), name); err != nil {
		return err
	}
	return printLine(cmd, "removed the second factor of the user %s", name)
}

func provision(cmd *cobra.Command, r records, name string) (device, error) {
	elevations, err := r.elevations(cmd.Context())
	if err != nil {
		return device{}, err
	}
	enrollment, codes, err := elevations.Provision(cmd.Context(), name)
	return device{name, enrollment.Secret, enrollment.URI, codes}, err
}

func (d device) writeText(w io.Writer) error {
	return printLines(w, `The user %s has a new second factor, which is valid immediately and replaces any other.

Scan this code with an authenticator app:

%s
or enter this URI in the app:

  %s

If the app is lost, each of these recovery codes works once instead of a one-time code:

  %s

None of this is shown again. Give it to the user now, over a confidential channel.
`, d.User, qrCode(d.URI), d.URI, strings.Join(d.RecoveryCodes, "\n  "))
}

// qrCode draws a QR code for a terminal, two rows of modules per line.
func qrCode(text string) string {
	var drawing strings.Builder
	qrterminal.GenerateHalfBlock(text, qrterminal.L, &drawing)
	return drawing.String()
}
