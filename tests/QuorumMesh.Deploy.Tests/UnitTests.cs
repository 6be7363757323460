using System.CommandLine;
using System.Text.RegularExpressions;
using k8s;
using QuorumMesh.Node;

namespace QuorumMesh.Deploy.Tests;

/// <summary>systemd units and the compose file, held against the programs and against what a hardened service has.</summary>
public sealed partial class UnitTests
{
    private static readonly string[] Hardening =
    [
        "Type=notify", "NoNewPrivileges=yes", "ProtectSystem=strict", "ProtectHome=yes", "PrivateTmp=yes", "PrivateDevices=yes",
        "CapabilityBoundingSet=", "RestrictNamespaces=yes", "SystemCallFilter=@system-service", "UMask=0077", "LimitCORE=0",
        "User=quorummesh", "Restart=on-failure",
    ];

    public static TheoryData<string> Units() =>
        [.. Directory.GetFiles(RepositoryFiles.At("deploy/systemd"), "*.service").Select(f => Path.GetFileName(f))
            .Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Units))]
    public void A_unit_is_hardened_and_starts_its_program_with_options_that_it_has(string unit)
    {
        var lines = RepositoryFiles.Read($"deploy/systemd/{unit}").Split('\n');
        Assert.Empty(Hardening.Except(lines));
        var command = lines.Single(l => l.StartsWith("ExecStart=", StringComparison.Ordinal))[10..].Split(' ');
        AssertTaken(Path.GetFileName(command[0]), command[1..]);
    }

    [Fact]
    public void The_three_units_name_each_others_sockets()
    {
        string Start(string unit) => RepositoryFiles.Read($"deploy/systemd/quorummesh-{unit}.service").Split('\n')
            .Single(l => l.StartsWith("ExecStart=", StringComparison.Ordinal));
        Assert.Equal(Socket(Start("enclave"), "--listen"), Socket(Start("manager"), "--enclave"));
        Assert.Equal(Socket(Start("manager"), "--grpc"), Socket(Start("node"), "--privacy"));
    }

    [Fact]
    public void The_file_of_variables_names_options_of_the_node()
    {
        var known = NodeCommands.Create().Options.Select(o => Node.FlagGroups.FlagList.VariableOf(o.Name)).ToHashSet();
        var named = RepositoryFiles.Read("deploy/systemd/node.env").Split('\n')
            .Where(l => l.Contains('=', StringComparison.Ordinal) && !l.StartsWith('#')).Select(l => l.Split('=')[0]).ToList();
        Assert.NotEmpty(named);
        Assert.Empty(named.Except(known));
    }

    [Fact]
    public void The_compose_file_starts_the_programs_with_options_that_they_have_and_no_rights()
    {
        var file = KubernetesYaml.Deserialize<Dictionary<string, object>>(RepositoryFiles.Read("deploy/compose/compose.yaml"));
        var services = (Dictionary<object, object>)file["services"];
        Assert.Equal(["enclave", "manager", "node"], services.Keys.Cast<string>().Order());
        foreach (var service in services.Values.Cast<Dictionary<object, object>>())
        {
            var image = Image().Match((string)service["image"]).Value;
            AssertTaken(image, ((List<object>)service["command"]).Cast<string>());
        }
        var shared = (Dictionary<object, object>)file["x-service"];
        Assert.Equal("ALL", Assert.Single((List<object>)shared["cap_drop"]));
        Assert.Equal("10001:10001", shared["user"]);
    }

    private static void AssertTaken(string program, IEnumerable<string> arguments)
    {
        RootCommand root = program switch
        {
            "quorummesh-node" => NodeCommands.Create(),
            "quorummesh-txmanager" =>
                TxManager.CommandLine.Create((_, _) => Task.FromResult(0), (_, _) => 0, (_, _, _, _) => Task.FromResult(0)),
            "quorummesh-enclave" => Enclave.CommandLine.Create((_, _) => Task.FromResult(0)),
            _ => throw new InvalidOperationException($"{program} is none of the programs"),
        };
        var parsed = root.Parse([.. arguments]);
        Assert.True(parsed.Errors.Count == 0, $"{program}: {string.Join("; ", parsed.Errors.Select(e => e.Message))}");
        Assert.Empty(parsed.UnmatchedTokens);
    }

    private static string Socket(string command, string option) =>
        Regex.Match(command, $" {option} (unix:[^ ]+)").Groups[1] is { Length: > 0 } found ? found.Value
            : throw new InvalidOperationException($"{option} is not in {command}");

    [GeneratedRegex("quorummesh-[a-z]+")]
    private static partial Regex Image();
}
