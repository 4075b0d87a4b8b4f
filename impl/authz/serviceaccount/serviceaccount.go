// Package serviceaccount lists the accounts that Elasticsearch has for programs of Elastic's, with what each may do.
package serviceaccount

import (
	"github.com/sallyport/sallyport/impl/authz/roledescriptor"
)

// accounts are Elasticsearch's, with its privileges. None of them can change users, roles or privileges.
var accounts = roledescriptor.Set{
	"elastic/auto-ops": {
		Cluster: []string{"monitor", "read_ilm", "read_slm"},
		Indices: []roledescriptor.IndexPrivileges{
			restricted("*", "monitor", "view_index_metadata"),
		},
	},
	"elastic/fleet-server": {
		Cluster: []string{"monitor", "manage_own_api_key", "read_fleet_secrets", "cluster:admin/xpack/connector/*"},
		Indices: []roledescriptor.IndexPrivileges{
			{
				Names: []string{"logs-*", "metrics-*", "traces-*", ".logs-endpoint.diagnostic.collection-*",
					".logs-endpoint.action.responses-*", ".logs-endpoint.heartbeat-*"},
				Privileges: written,
			},
			{Names: []string{"profiling-*"}, Privileges: []string{"read", "write"}},
			{Names: []string{"traces-apm.sampled-*"}, Privileges: []string{"read", "monitor", "maintenance"}},
			restricted(".fleet-secrets*", "read"),
			restricted(".fleet-actions*", kept...),
			restricted(".fleet-agents*", kept...),
			restricted(".fleet-artifacts*", kept...),
			restricted(".fleet-enrollment-api-keys*", kept...),
			restricted(".fleet-policies*", kept...),
			restricted(".fleet-policies-leader*", kept...),
			restricted(".fleet-servers*", kept...),
			restricted(".fleet-fileds*", kept...),
			{Names: []string{"synthetics-*"}, Privileges: []string{"read", "write", "create_index", "auto_configure"}},
			{Names: []string{".elastic-connectors*"}, Privileges: described},
			{Names: []string{"content-*", ".search-acl-filter-*"}, Privileges: described},
			{Names: []string{"agentless-*"}, Privileges: described},
		},
		Applications: []roledescriptor.ApplicationPrivileges{{
			Application: "kibana-*",
			Privileges:  []string{"reserved_fleet-setup"},
			Resources:   []string{"*"},
		}},
	},
	"elastic/fleet-server-remote": {
		Cluster: []string{"monitor", "manage_own_api_key"},
		Indices: []roledescriptor.IndexPrivileges{
			{Names: []string{"logs-*", "metrics-*", "traces-*"}, Privileges: written},
		},
	},
}

// Privileges that several entries have.
var (
	written   = []string{"write", "create_index", "auto_configure"}
	kept      = []string{"read", "write", "monitor", "create_index", "auto_configure", "maintenance"}
	described = []string{"read", "write", "monitor", "create_index", "auto_configure", "maintenance",
		"view_index_metadata"}
)

// restricted returns privileges on indices of which some are kept for the system.
func restricted(pattern string, privileges ...string) roledescriptor.IndexPrivileges {
	return roledescriptor.IndexPrivileges{
		Names:                  []string{pattern},
		Privileges:             privileges,
		AllowRestrictedIndices: true,
	}
}

// Find returns the descriptor of an account, as a set with the account's name, and whether there is such an account.
func Find(account string) (roledescriptor.Set, bool) {
	d, found := accounts[account]
	return roledescriptor.Set{account: d}, found
}

// All returns all accounts by name.
func All() roledescriptor.Set { return accounts }
