package operations

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

// objects are what a folder of deploy/kubernetes makes, by kind.
type objects struct {
	deployments  []apps.Deployment
	statefulSets []apps.StatefulSet
	services     []core.Service
	budgets      []policy.PodDisruptionBudget
	policies     []networking.NetworkPolicy
	text         string
}

// build runs kustomize, and decodes its output strictly: an unknown member is an error.
func build(t *testing.T, folder string) (o objects) {
	t.Helper()
	made, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(),
		filepath.Join(root, "deploy/kubernetes", folder))
	if err != nil {
		t.Fatal(err)
	}
	for _, each := range made.Resources() {
		data, err := each.AsYAML()
		if err != nil {
			t.Fatal(err)
		}
		o.text += string(data)
		switch kind := each.GetKind(); kind {
		case "Deployment":
			o.deployments = append(o.deployments, decode[apps.Deployment](t, data))
		case "StatefulSet":
			o.statefulSets = append(o.statefulSets, decode[apps.StatefulSet](t, data))
		case "Service":
			o.services = append(o.services, decode[core.Service](t, data))
		case "PodDisruptionBudget":
			o.budgets = append(o.budgets, decode[policy.PodDisruptionBudget](t, data))
		case "NetworkPolicy":
			o.policies = append(o.policies, decode[networking.NetworkPolicy](t, data))
		default:
			t.Errorf("there is a %s", kind)
		}
	}
	return o
}

func decode[T any](t *testing.T, data []byte) (object T) {
	t.Helper()
	if err := yaml.UnmarshalStrict(data, &object); err != nil {
		t.Errorf("%v in\n%s", err, data)
	}
	return object
}

// ours is the label of everything.
const ours = "app.kubernetes.io/name"

// Ensures that the base has two servers that one disruption at a time leaves one of, that the service, the budget and
// the network policy select them, and that the pods are locked down.
func TestKubernetes_Base(t *testing.T) {
	o := build(t, "base")
	if len(o.deployments) != 1 || len(o.statefulSets) != 0 || len(o.services) != 1 || len(o.budgets) != 1 ||
		len(o.policies) != 1 {
		t.Fatalf("there are others:\n%s", o.text)
	}
	d, b := o.deployments[0], o.budgets[0]
	if *d.Spec.Replicas != 2 || d.Spec.Strategy.RollingUpdate.MaxUnavailable.IntValue() != 0 ||
		b.Spec.MinAvailable.IntValue() != 1 {
		t.Errorf("%d replicas, %v, %v", *d.Spec.Replicas, d.Spec.Strategy.RollingUpdate, b.Spec.MinAvailable)
	}
	pod := d.Spec.Template.Labels
	for what, selector := range map[string]map[string]string{
		"the deployment": d.Spec.Selector.MatchLabels, "the service": o.services[0].Spec.Selector,
		"the budget": b.Spec.Selector.MatchLabels, "the policy": o.policies[0].Spec.PodSelector.MatchLabels,
	} {
		if selector[ours] == "" || selector[ours] != pod[ours] {
			t.Errorf("%s selects %v; the pods have %v", what, selector, pod)
		}
	}
	if !slices.Equal(o.policies[0].Spec.PolicyTypes, []networking.PolicyType{"Ingress", "Egress"}) {
		t.Errorf("the policy is for %v", o.policies[0].Spec.PolicyTypes)
	}
	checkPod(t, d.Spec.Template.Spec, o)
	checkSettings(t, d.Spec.Template.Spec)
}

// Ensures that the overlay for SQLite has one server with a volume, and no budget that would block its node.
func TestKubernetes_SQLite(t *testing.T) {
	o := build(t, "sqlite")
	if len(o.deployments) != 0 || len(o.statefulSets) != 1 || len(o.services) != 1 || len(o.budgets) != 0 ||
		len(o.policies) != 1 {
		t.Fatalf("there are others:\n%s", o.text)
	}
	s := o.statefulSets[0]
	if *s.Spec.Replicas != 1 || len(s.Spec.VolumeClaimTemplates) != 1 || s.Spec.ServiceName != o.services[0].Name {
		t.Errorf("%d replicas, volumes %v, service %s", *s.Spec.Replicas, s.Spec.VolumeClaimTemplates, s.Spec.ServiceName)
	}
	c := s.Spec.Template.Spec.Containers[0]
	claim := s.Spec.VolumeClaimTemplates[0].Name
	mounted := slices.ContainsFunc(c.VolumeMounts, func(m core.VolumeMount) bool {
		return m.Name == claim && m.MountPath == "/data" && !m.ReadOnly
	})
	stored := slices.Contains(c.Env, core.EnvVar{Name: "SALLYPORT_STORE", Value: "sqlite:/data/sallyport.db"})
	if !mounted || !stored || strings.Contains(o.text, "SALLYPORT_STORE_FILE") {
		t.Errorf("the volumes are %v and the settings %v", c.VolumeMounts, c.Env)
	}
	checkPod(t, s.Spec.Template.Spec, o)
	checkSettings(t, s.Spec.Template.Spec)
}

// checkPod fails the test unless a pod is locked down, is probed as the server reports its health, and has time to
// stop.
func checkPod(t *testing.T, p core.PodSpec, o objects) {
	t.Helper()
	c, s := p.Containers[0], p.Containers[0].SecurityContext
	if !*p.SecurityContext.RunAsNonRoot || *p.SecurityContext.RunAsUser != 65532 ||
		p.SecurityContext.SeccompProfile.Type != core.SeccompProfileTypeRuntimeDefault ||
		*p.AutomountServiceAccountToken || *p.EnableServiceLinks || p.HostNetwork {
		t.Errorf("the pod is %+v", p)
	}
	if !*s.ReadOnlyRootFilesystem || *s.AllowPrivilegeEscalation ||
		!slices.Equal(s.Capabilities.Drop, []core.Capability{"ALL"}) || len(s.Capabilities.Add) != 0 {
		t.Errorf("the container may do too much: %+v", s)
	}
	for name, probe := range map[string]*core.Probe{
		"/healthz": c.LivenessProbe, "/readyz": c.ReadinessProbe, "/healthz ": c.StartupProbe,
	} {
		if probe.HTTPGet.Path != strings.TrimSpace(name) || probe.HTTPGet.Port.String() != "admin" {
			t.Errorf("the probe asks %s of %v", probe.HTTPGet.Path, probe.HTTPGet.Port)
		}
	}
	checkOrder(t, c)
	if *p.TerminationGracePeriodSeconds < 10+20 {
		t.Errorf("the server is killed after %d seconds", *p.TerminationGracePeriodSeconds)
	}

	// Ports are named, so that a typo selects nothing.
	named := func(name string) bool {
		return slices.ContainsFunc(c.Ports, func(p core.ContainerPort) bool { return p.Name == name })
	}
	ports := []string{o.services[0].Spec.Ports[0].TargetPort.String()}
	for _, rule := range o.policies[0].Spec.Ingress {
		for _, port := range rule.Ports {
			ports = append(ports, port.Port.String())
		}
	}
	for _, port := range ports {
		if !named(port) {
			t.Errorf("the container has no port %s", port)
		}
	}
	for line := range strings.SplitSeq(o.text, "\n") {
		if regexp.MustCompile(`kind: Secret$|stringData|BEGIN|postgres://`).MatchString(line) {
			t.Errorf("there is a secret: %s", line)
		}
	}
}

// checkOrder fails the test unless a new server is used before old ones that cannot serve its schema are given up, and
// a server that stops is given up before it stops to serve.
func checkOrder(t *testing.T, c core.Container) {
	t.Helper()
	startup, ready := c.StartupProbe, c.ReadinessProbe
	used := startup.PeriodSeconds + ready.PeriodSeconds*max(ready.SuccessThreshold, 1)
	if givenUp := ready.PeriodSeconds * (ready.FailureThreshold - 1); givenUp <= used {
		t.Errorf("an old server is given up after %d seconds, and a new one is used after %d", givenUp, used)
	}
	i := slices.IndexFunc(c.Env, func(v core.EnvVar) bool { return v.Name == "SALLYPORT_DRAIN_DELAY" })
	if i < 0 {
		t.Fatal("there is no drain_delay")
	}
	drain, err := time.ParseDuration(c.Env[i].Value)
	if stops := time.Duration(ready.PeriodSeconds*ready.FailureThreshold) * time.Second; err != nil || drain <= stops {
		t.Errorf("a server that stops serves for %s (%v), and is given up after %s", c.Env[i].Value, err, stops)
	}
}

// checkSettings fails the test unless each variable is a setting of the documentation, and each file is in a secret.
func checkSettings(t *testing.T, p core.PodSpec) {
	t.Helper()
	page := read(t, "docs/reference/configuration.md")
	for _, v := range p.Containers[0].Env {
		setting := strings.TrimSuffix(v.Name, "_FILE")
		if !strings.Contains(page, "`"+setting+"`") {
			t.Errorf("there is no setting %s", v.Name)
		}
		mounted := slices.ContainsFunc(p.Containers[0].VolumeMounts, func(m core.VolumeMount) bool {
			return strings.HasPrefix(v.Value, m.MountPath+"/")
		})
		if setting != v.Name && !mounted {
			t.Errorf("%s names the file %s, which no volume has", v.Name, v.Value)
		}
	}
	for _, v := range p.Volumes {
		if v.Secret == nil || *v.Secret.DefaultMode != 0o440 {
			t.Errorf("the volume %s is %+v", v.Name, v.VolumeSource)
		}
	}
	guide := read(t, "docs/how-to/deploy-on-kubernetes.md")
	for _, v := range p.Volumes {
		if !regexp.MustCompile(`create secret \w+ ` + v.Secret.SecretName + `\b`).MatchString(guide) {
			t.Errorf("the guide does not create the secret %s", v.Secret.SecretName)
		}
	}
}
