using System.CommandLine;
using k8s.Models;
using QuorumMesh.Enclave.Keys;
using QuorumMesh.Node;
using QuorumMesh.Tests.Shared;
using QuorumMesh.TxManager.Configuration;

namespace QuorumMesh.Deploy.Tests;

/// <summary>What the chart gives to the programs, read by the programs' own code.</summary>
public sealed class ChartProgramTests : IDisposable
{
    private readonly TempDirectory _temp = new();

    public void Dispose() => _temp.Dispose();

    public static TheoryData<string> Files() => [.. Helm.ValuesFiles];

    [HelmTheory]
    [MemberData(nameof(Files))]
    public void Every_argument_is_an_option_of_its_program(string values)
    {
        foreach (var container in Manifests.Of(values).Pods.SelectMany(p => p.Spec.Containers))
        {
            var parsed = Program(container).Parse([.. container.Args]);
            Assert.True(parsed.Errors.Count == 0, $"{container.Name}: {string.Join("; ", parsed.Errors.Select(e => e.Message))}");
            Assert.Empty(parsed.UnmatchedTokens);
        }
    }

    [HelmTheory]
    [MemberData(nameof(Files))]
    public void The_manager_reads_its_configuration(string values)
    {
        var manifests = Manifests.Of(values);
        if (Text(manifests, "manager.json") is not { } text) return;
        var options = ManagerConfig.Read(new CommandLineSettings(_temp.Write("manager.json", text), []));
        var container = manifests.Container("manager");
        Assert.Equal(container.Ports.Where(p => p.Name != "health").Select(p => p.ContainerPort).Order(),
            options.Servers.Select(s => s.Listen.EndPoint!.Port).Order());
        Assert.True(options.EnableRemoteKeyValidation);
        var enclave = new Uri(options.EnclaveAddress!);
        var service = manifests.All<V1Service>().Single(s => enclave.Host.StartsWith($"{s.Metadata.Name}.{s.Metadata.NamespaceProperty}.",
            StringComparison.Ordinal));
        Assert.Contains(service.Spec.Ports, p => p.Port == enclave.Port);
    }

    [HelmTheory]
    [MemberData(nameof(Files))]
    public void The_enclave_reads_its_configuration_and_its_files_are_mounted(string values)
    {
        var manifests = Manifests.Of(values);
        if (Text(manifests, "enclave.json") is not { } text) return;
        var path = _temp.Write("enclave.json", text);
        Assert.Null(EnclaveConfig.Read(path).Listen);
        var mounts = manifests.Container("enclave").VolumeMounts.Select(m => m.MountPath).ToList();
        Assert.All(EnclaveConfig.SecretFiles(path),
            file => Assert.Contains(mounts, m => file.StartsWith(m + "/", StringComparison.Ordinal)));
    }

    [HelmTheory]
    [MemberData(nameof(Files))]
    public void Every_file_that_an_argument_names_is_mounted(string values)
    {
        foreach (var container in Manifests.Of(values).Pods.SelectMany(p => p.Spec.Containers))
        {
            var mounts = container.VolumeMounts.Select(m => m.MountPath).ToList();
            var files = container.Args.Select(a => a[(a.IndexOf('=', StringComparison.Ordinal) + 1)..]).Where(a => a.StartsWith('/'));
            Assert.All(files, file => Assert.Contains(mounts, m => file == m || file.StartsWith(m + "/", StringComparison.Ordinal)));
        }
    }

    [HelmFact]
    public void The_test_reads_its_parties()
    {
        var manifests = Manifests.Of("three-orgs-one-cluster.yaml");
        var parties = Cli.Demo.DemoAccess.Load(_temp.Write("parties.json", Text(manifests, "parties.json")!));
        Assert.Equal(["B", "A", "C"], parties.Select(p => p.Name));
        var tokens = manifests.Container("demo").VolumeMounts.Single(m => m.Name == "tokens").MountPath;
        Assert.All(parties, p => Assert.StartsWith(tokens + "/", p.TokenFile, StringComparison.Ordinal));
    }

    [HelmFact]
    public void A_node_reaches_its_manager_under_the_name_and_port_of_its_service()
    {
        var manifests = Manifests.Of("three-orgs-one-cluster.yaml");
        var address = new Uri(manifests.Container("node").Args.Single(a => a.StartsWith("--privacy=", StringComparison.Ordinal))[10..]);
        var service = manifests.All<V1Service>().Single(s => address.Host == $"{s.Metadata.Name}.org.svc.cluster.local");
        Assert.Contains(service.Spec.Ports, p => p.Port == address.Port && p.TargetPort.Value == "grpc");
    }

    private static RootCommand Program(V1Container container) => container.Name switch
    {
        "manager" => TxManager.CommandLine.Create((_, _) => Task.FromResult(0), (_, _) => 0, (_, _, _, _) => Task.FromResult(0)),
        "enclave" => Enclave.CommandLine.Create((_, _) => Task.FromResult(0)),
        "demo" => Cli.CliCommands.Create(),
        _ => NodeCommands.Create(),
    };

    private static string? Text(Manifests manifests, string key) =>
        manifests.All<V1ConfigMap>().Select(m => m.Data.TryGetValue(key, out var text) ? text : null).FirstOrDefault(t => t is not null);
}
