using k8s.Models;

namespace QuorumMesh.Deploy.Tests;

/// <summary>What the chart does not make, and what it makes on other clusters.</summary>
public sealed class ChartRefusalTests
{
    [HelmTheory]
    [InlineData("validator.yaml", "nodeDefaults.rpc.enabled=true", "beyond loopback it needs tls.existingSecret")]
    [InlineData("rpc.yaml", "nodeDefaults.rpc.clientCa.existingConfigMap=", "callers who prove who they are")]
    [InlineData("rpc.yaml", "nodeDefaults.nodeKey.existingSecret=", "nodeKey.existingSecret")]
    [InlineData("rpc.yaml", "links.manager.existingSecret=", "links.manager.existingSecret")]
    [InlineData("rpc.yaml", "manager.database.url=", "jdbc:postgresql://host:port/database")]
    [InlineData("rpc.yaml", "ingress.tlsSecret=", "not offered in plain text")]
    [InlineData("rpc.yaml", "ingress.group=nobody", "there is no group 'nobody'")]
    [InlineData("laptop.yaml", "manager.replicas=2", "a SQLite file serves one manager")]
    [InlineData("laptop.yaml", "restore.enabled=true", "rejoins under a new id")]
    [InlineData("laptop.yaml", "nodeDefaults.rpc.portt=1", "portt")]
    [InlineData("laptop.yaml", "manager.replicas=two", "manager/replicas")]
    [InlineData("one-org-many-clusters.yaml", "backup.group=", "backup.group: say which of rpc, validator is meant")]
    [InlineData("one-org-many-clusters.yaml", "enclave.keys.vault.role=", "role of Vault's Kubernetes log-in")]
    public void What_would_not_work_or_not_be_safe_is_refused_with_what_to_do(string values, string change, string says)
    {
        var refusal = Helm.Refusal(values, "--set", change);
        Assert.Contains(says, refusal, StringComparison.Ordinal);
    }

    [HelmFact]
    public void An_old_cluster_gets_what_it_knows()
    {
        var old = Helm.Render("one-org-many-clusters.yaml", "--kube-version", "1.20.2");
        Assert.Contains("policy/v1beta1", old, StringComparison.Ordinal);
        Assert.Contains("batch/v1beta1", old, StringComparison.Ordinal);
        Assert.DoesNotContain("sleep", old, StringComparison.Ordinal);
        Assert.DoesNotContain("persistentVolumeClaimRetentionPolicy", old, StringComparison.Ordinal);
        Assert.Contains("sleep", Helm.Render("one-org-many-clusters.yaml", "--kube-version", "1.35.0"), StringComparison.Ordinal);
    }

    [HelmFact]
    public void A_group_says_no_where_the_defaults_say_yes()
    {
        var manifests = Manifests.Of("one-org-many-clusters.yaml");
        var external = manifests.All<V1Service>().Where(s => s.Spec.Type == "LoadBalancer").Select(s => s.Metadata.Name);
        Assert.Equal(["p-quorummesh-manager-p2p", "p-quorummesh-validator-p2p-0"], external.Order());
    }

    [HelmFact]
    public void A_restore_stops_the_group_whose_volume_it_fills()
    {
        var manifests = Manifests.Parse(Helm.Render(
            "reader.yaml", "--set", "restore.enabled=true,restore.existingClaim=backups,restore.file=chain.rlp.gz"));
        var set = Assert.Single(manifests.All<V1StatefulSet>());
        Assert.Equal(0, set.Spec.Replicas);
        var job = Assert.Single(manifests.All<V1Job>());
        Assert.Contains(job.Spec.Template.Spec.Volumes,
            v => v.PersistentVolumeClaim?.ClaimName == $"{set.Spec.VolumeClaimTemplates[0].Metadata.Name}-{set.Metadata.Name}-0");
    }
}
