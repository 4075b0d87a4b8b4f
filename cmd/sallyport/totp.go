package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/mdp/qrterminal/v3"
	"github.com/spf13/cobra"
)

// device is a new second factor, which nothing can show again.
type device struct {
	User          string   `json:"user"`
	Secret        string   `json:"secret"`
	URI           string   `json:"uri"`
	RecoveryCodes []string `json:"recovery_codes"`
}

func newUserTOTP() *cobra.Command {
	var output string
	var remove bool
	cmd := storeCommand("totp NAME", "Give a user a second factor that counts at once, in place of any other", oneName,
		func(cmd *cobra.Command, r records, args []string) error {
			if remove {
				return withdraw(cmd, r, args[0])
			}
			d, err := provision(cmd, r, args[0])
			if err != nil {
				return err
			}
			if output == "json" {
				return d.writeJSON(cmd.OutOrStdout())
			}
			return d.writeText(cmd.OutOrStdout())
		})
	cmd.Flags().BoolVar(&remove, "remove", false, "take the second factor away instead")
	cmd.Flags().StringVar(&output, "output", "text", "text, with a QR code, or json")
	cmd.PreRunE = func(*cobra.Command, []string) error {
		if output != "text" && output != "json" {
			return fmt.Errorf("--output: %q is not one of text and json", output)
		}
		return nil
	}
	return cmd
}

func withdraw(cmd *cobra.Command, r records, name string) error {
	elevations, err := r.elevations(cmd.Context())
	if err != nil {
		return err
	}
	if err := elevations.Withdraw(cmd.Context(), name); err != nil {
		return err
	}
	return say(cmd, "the user %s has no second factor any more", name)
}

func provision(cmd *cobra.Command, r records, name string) (device, error) {
	elevations, err := r.elevations(cmd.Context())
	if err != nil {
		return device{}, err
	}
	enrollment, codes, err := elevations.Provision(cmd.Context(), name)
	return device{name, enrollment.Secret, enrollment.URI, codes}, err
}

func (d device) writeJSON(w io.Writer) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false) // people copy the URI, which has ampersands
	return encoder.Encode(d)     //nolint:gosec // to show the secret once is what this is for
}

func (d device) writeText(w io.Writer) error {
	_, err := fmt.Fprintf(w, `The user %s has a new second factor, which counts at once and in place of any other.

Scan this with an authenticator app:

%s
or give the app the same as text:

  %s

Each of these recovery codes works once in place of a one-time code, for when the app is lost:

  %s

None of this is shown again, so hand it to the user now, and by a way that nobody else can read.
`, d.User, qrCode(d.URI), d.URI, strings.Join(d.RecoveryCodes, "\n  "))
	return err
}

// qrCode draws a text for a terminal, two rows a line.
func qrCode(text string) string {
	var drawing strings.Builder
	qrterminal.GenerateHalfBlock(text, qrterminal.L, &drawing)
	return drawing.String()
}
