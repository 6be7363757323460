using System.Text.Json;
using k8s.Models;

namespace QuorumMesh.Deploy.Tests;

/// <summary>What every values file of the chart's library gives.</summary>
public sealed class ChartTests
{
    public static TheoryData<string> Files() => [.. Helm.ValuesFiles];

    [HelmTheory]
    [MemberData(nameof(Files))]
    public void The_chart_lints_strictly(string values)
    {
        var (code, text) = Helm.Lint(values);
        Assert.True(code == 0 && !text.Contains("funcMap fail", StringComparison.Ordinal), text);
    }

    [HelmTheory]
    [MemberData(nameof(Files))]
    public void The_API_knows_every_member_of_every_manifest(string values)
    {
        var manifests = Manifests.Of(values);
        Assert.NotEmpty(manifests.All<V1StatefulSet>());
        Assert.All(manifests.Named, o => Assert.False(string.IsNullOrEmpty(o.Metadata.Name), o.Kind));
        var names = manifests.Named.Select(o => $"{o.Kind} {o.Metadata.NamespaceProperty}/{o.Metadata.Name}").ToList();
        Assert.Equal(names.Distinct(), names);
        Assert.All(names, name => Assert.True(name.Split('/')[1].Length <= 63, name));
    }

    [HelmTheory]
    [MemberData(nameof(Files))]
    public void Every_pod_keeps_to_the_restricted_standard(string values)
    {
        foreach (var pod in Manifests.Of(values).Pods)
        {
            var spec = pod.Spec;
            Assert.True(spec.SecurityContext.RunAsNonRoot, $"{pod}");
            Assert.NotEqual(0, spec.SecurityContext.RunAsUser ?? 0);
            Assert.Equal("RuntimeDefault", spec.SecurityContext.SeccompProfile.Type);
            Assert.False(spec.AutomountServiceAccountToken ?? true, $"{pod} has a token of the cluster's");
            Assert.False((spec.HostNetwork ?? false) || (spec.HostPID ?? false) || (spec.HostIPC ?? false), $"{pod}");
            Assert.All(spec.Volumes, volume => Assert.Null(volume.HostPath));
            foreach (var container in spec.Containers.Concat(spec.InitContainers ?? [])) AssertRestricted(pod, container);
        }
    }

    private static void AssertRestricted(PodOf pod, V1Container container)
    {
        var security = container.SecurityContext;
        Assert.False(security.AllowPrivilegeEscalation ?? true, $"{pod} {container.Name}");
        Assert.False(security.Privileged ?? false, $"{pod} {container.Name}");
        Assert.True(security.ReadOnlyRootFilesystem, $"{pod} {container.Name}");
        Assert.True(security.RunAsNonRoot, $"{pod} {container.Name}");
        Assert.Equal("ALL", Assert.Single(security.Capabilities.Drop));
        Assert.Empty(security.Capabilities.Add ?? []);
        Assert.Contains("memory", container.Resources.Limits.Keys);
        Assert.All(container.Ports ?? [], port => Assert.False(port.HostPort.HasValue));
    }

    [HelmTheory]
    [MemberData(nameof(Files))]
    public void Every_service_is_probed_where_it_answers(string values)
    {
        foreach (var container in Manifests.Of(values).Pods.Where(p => p.IsService).SelectMany(p => p.Spec.Containers))
        {
            Assert.Equal("/livez", container.StartupProbe.HttpGet.Path);
            Assert.Equal("/livez", container.LivenessProbe.HttpGet.Path);
            Assert.Equal("/readyz", container.ReadinessProbe.HttpGet.Path);
            foreach (var probe in new[] { container.StartupProbe, container.LivenessProbe, container.ReadinessProbe })
                Assert.Equal("health", probe.HttpGet.Port.Value);
            var port = container.Ports.Single(p => p.Name == "health").ContainerPort;
            var said = string.Join(' ', container.Args) + Helm.Render(values);
            Assert.Contains($"http://0.0.0.0:{port}", said, StringComparison.Ordinal);
        }
    }

    [HelmTheory]
    [MemberData(nameof(Files))]
    public void Pods_are_spread_and_evicted_within_a_budget(string values)
    {
        var manifests = Manifests.Of(values);
        foreach (var pod in manifests.Pods.Where(p => p.IsService))
        {
            Assert.Equal(["topology.kubernetes.io/zone", "kubernetes.io/hostname"],
                pod.Spec.TopologySpreadConstraints.Select(c => c.TopologyKey));
            Assert.All(pod.Spec.TopologySpreadConstraints, c => Assert.True(pod.IsSelectedBy(c.LabelSelector), $"{pod}"));
            Assert.True(pod.Spec.TerminationGracePeriodSeconds >= 30, $"{pod}");
            Assert.Single(manifests.All<V1PodDisruptionBudget>(),
                b => b.Metadata.NamespaceProperty == pod.Owner.NamespaceProperty && pod.IsSelectedBy(b.Spec.Selector));
        }
    }

    [HelmTheory]
    [MemberData(nameof(Files))]
    public void A_node_has_its_own_key_alone(string values)
    {
        foreach (var container in Manifests.Of(values).Pods.SelectMany(p => p.Spec.Containers))
            foreach (var mount in (container.VolumeMounts ?? []).Where(m => m.Name == "node-key"))
                Assert.Equal(("/keys/node/key", "$(POD_NAME)"), (mount.MountPath, mount.SubPathExpr));
    }

    [HelmTheory]
    [MemberData(nameof(Files))]
    public void Nothing_reaches_a_pod_but_what_a_policy_names(string values)
    {
        var manifests = Manifests.Of(values);
        var policies = manifests.All<V1NetworkPolicy>().ToList();
        foreach (var pod in manifests.Pods)
        {
            var own = policies.Where(
                p => p.Metadata.NamespaceProperty == pod.Owner.NamespaceProperty && pod.IsSelectedBy(p.Spec.PodSelector)).ToList();
            Assert.Contains(own, p => p.Spec.PolicyTypes.Contains("Ingress") && p.Spec.PolicyTypes.Contains("Egress"));
            Assert.All(own.SelectMany(p => p.Spec.Ingress ?? []), rule => Assert.NotEmpty(rule.FromProperty ?? []));
            Assert.All(own.SelectMany(p => p.Spec.Ingress ?? []), rule => Assert.NotEmpty(rule.Ports ?? []));
        }
    }

    [HelmTheory]
    [MemberData(nameof(Files))]
    public void The_enclave_is_for_the_manager_and_calls_nobody_but_its_vault(string values)
    {
        var manifests = Manifests.Of(values);
        if (manifests.Pods.All(p => p.Labels["app.kubernetes.io/component"] != "enclave")) return;
        var policy = manifests.All<V1NetworkPolicy>().Single(p => p.Metadata.Name.EndsWith("-enclave", StringComparison.Ordinal));
        var rule = Assert.Single(policy.Spec.Ingress);
        Assert.Equal("manager", Assert.Single(rule.FromProperty).PodSelector.MatchLabels["app.kubernetes.io/component"]);
        var vault = manifests.Container("enclave").VolumeMounts.Any(m => m.Name == "vault-token");
        Assert.Equal(vault, policy.Spec.Egress is { Count: > 0 });
    }

    [HelmTheory]
    [MemberData(nameof(Files))]
    public void No_secret_is_in_plain(string values)
    {
        var manifests = Manifests.Of(values);
        Assert.Empty(manifests.All<V1Secret>());
        foreach (var variable in manifests.Pods.SelectMany(p => p.Spec.Containers).SelectMany(c => c.Env ?? []))
            if (variable.Name.Contains("PASSWORD", StringComparison.Ordinal) || variable.Name.Contains("TOKEN", StringComparison.Ordinal))
                Assert.NotNull(variable.ValueFrom?.SecretKeyRef);
        foreach (var text in manifests.All<V1ConfigMap>().SelectMany(m => m.Data.Values))
            foreach (var word in new[] { "\"privateKey\":", "\"password\":", "PRIVATE KEY" })
                Assert.DoesNotContain(word, text, StringComparison.Ordinal);
        foreach (var container in manifests.Pods.SelectMany(p => p.Spec.Containers))
            Assert.All(container.VolumeMounts.Where(m => m.MountPath.StartsWith("/keys", StringComparison.Ordinal)),
                m => Assert.True(m.ReadOnlyProperty));
    }

    [HelmTheory]
    [MemberData(nameof(Files))]
    public void No_hook_makes_anything_and_volumes_outlive_the_release(string values)
    {
        var manifests = Manifests.Of(values);
        var hooks = manifests.Named.Where(o => o.Metadata.Annotations?.ContainsKey("helm.sh/hook") == true);
        Assert.All(hooks, o => Assert.Equal("test", o.Metadata.Annotations["helm.sh/hook"]));
        Assert.Empty(manifests.All<V1PersistentVolumeClaim>());
        foreach (var set in manifests.All<V1StatefulSet>().Where(s => s.Spec.VolumeClaimTemplates is { Count: > 0 }))
        {
            Assert.Equal("Retain", set.Spec.PersistentVolumeClaimRetentionPolicy.WhenDeleted);
            Assert.Equal("Retain", set.Spec.PersistentVolumeClaimRetentionPolicy.WhenScaled);
        }
    }

    [Fact]
    public void Every_key_of_the_values_is_described_and_no_other_is_taken()
    {
        using var schema = JsonDocument.Parse(RepositoryFiles.Read("helm/quorummesh/values.schema.json"));
        var undescribed = new List<string>();
        Look(schema.RootElement, "");
        Assert.Empty(undescribed);

        void Look(JsonElement element, string path)
        {
            if (element.TryGetProperty("properties", out var properties))
            {
                if (!element.TryGetProperty("additionalProperties", out var more) || more.ValueKind != JsonValueKind.False)
                    undescribed.Add($"{path}: takes unknown keys");
                foreach (var property in properties.EnumerateObject())
                {
                    if (!property.Value.TryGetProperty("description", out var text) && !property.Value.TryGetProperty("$ref", out text)
                        || text.GetString()!.Length < 4) undescribed.Add($"{path}.{property.Name}");
                    Look(property.Value, $"{path}.{property.Name}");
                }
            }
            if (element.TryGetProperty("items", out var items)) Look(items, path + "[]");
            if (element.TryGetProperty("$defs", out var parts))
                foreach (var part in parts.EnumerateObject()) Look(part.Value, part.Name);
        }
    }
}
