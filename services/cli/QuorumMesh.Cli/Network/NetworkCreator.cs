using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using QuorumMesh.Chain;

namespace QuorumMesh.Cli.Network;

/// <summary>What to create; checked before the first file is written.</summary>
/// <param name="ChainId">Null draws one that no other network is likely to have.</param>
public sealed record NetworkRequest(string Directory, int Participants, string Consensus, string Fork, ulong? ChainId, string? Profile,
    int PortOffset)
{
    public const string Raft = "raft";
    public const string Ibft = "ibft";
    public const string Qbft = "qbft";

    /// <summary>Validators vote on each block, instead of a leader's log.</summary>
    public bool IsBft => Consensus is Ibft or Qbft;

    /// <summary>Ports in a row from here instead of the well-known ones; see <see cref="ParticipantPorts"/>.</summary>
    public int? DensePortsFrom { get; init; }

    /// <summary>
    /// Offer Q2T over HTTP on loopback too, where any local user may call it. Without it Q2T is on the manager's Unix socket
    /// alone.
    /// </summary>
    public bool Q2tHttp { get; init; }

    /// <summary>Plain text between the members, for a laptop; each start says so.</summary>
    public bool Insecure { get; init; }

    /// <summary>
    /// What the members do with public transactions that were most likely meant to be private; null leaves it to the nodes.
    /// </summary>
    public string? PrivateGuard { get; init; }
}

/// <summary>Writes the keys, the genesis and the configuration of a local network.</summary>
public static class NetworkCreator
{
    /// <summary>Below lie the ids of public chains, by which tools choose a chain's rules.</summary>
    private const int LeastDrawnChainId = 1_000_000;

    public static NetworkDefinition Create(NetworkRequest request)
    {
        Check(request);
        var chainId = request.ChainId ?? (ulong)RandomNumberGenerator.GetInt32(LeastDrawnChainId, int.MaxValue);
        var directory = Path.GetFullPath(request.Directory);
        PrivateFiles.MakeDirectory(directory);
        var members = Enumerable.Range(0, request.Participants)
            .Select(i => Member.Create(directory, i, new ParticipantPorts(i, request.PortOffset, request.DensePortsFrom),
                request.Insecure)).ToList();
        PrivateFiles.WriteNew(Path.Combine(directory, "genesis.json"),
            GenesisTemplate.Create(request, chainId, members.Select(m => m.Account), [.. members.Select(m => m.Validator)]));
        var staticNodes = JsonSerializer.Serialize(members.Select(m => m.Enode), NetworkDefinition.JsonOptions) + "\n";
        foreach (var member in members)
        {
            PrivateFiles.WriteNew(Path.Combine(member.NodeDirectory, "static-nodes.json"), staticNodes);
            WriteManagerConfig(member, members, request);
            WriteEnclaveConfig(member);
        }
        NetworkCertificates.Write(directory, members, DateTimeOffset.UtcNow);
        var definition = new NetworkDefinition(chainId, request.Consensus, members.Select(m => m.ToParticipant(request.Q2tHttp)).ToList(),
            request.Profile, request.PrivateGuard,
            request.Insecure ? null : GenesisTemplate.IsOwn(request) ? "require" : "prefer");
        foreach (var participant in definition.Participants)
            PrivateFiles.Close(participant.Directory);
        definition.Save(directory);
        return definition;
    }

    private static void Check(NetworkRequest request)
    {
        if (request.Participants is < 1 or > ParticipantPorts.MaxParticipants)
            throw new CommandException($"--participants must be 1 to {ParticipantPorts.MaxParticipants}, not {request.Participants}");
        if (request.Consensus is not (NetworkRequest.Raft or NetworkRequest.Ibft or NetworkRequest.Qbft))
            throw new CommandException($"--consensus {request.Consensus} is not known: use raft, ibft or qbft");
        GenesisTemplate.CheckFork(request.Fork);
        if (request.Profile is not null && CompatibilityProfile.All.All(p => p.Name != request.Profile))
            throw new CommandException(
                $"--profile {request.Profile} is not known: use one of {string.Join(", ", CompatibilityProfile.All.Select(p => p.Name))}");
        if (request is { Consensus: NetworkRequest.Qbft, Profile: { } old }
            && !CompatibilityProfile.Parse(old).KnowsEngineObjects)
            throw new CommandException($"--profile {old} is of a GoQuorum that knows no QBFT: use --profile 24, or --consensus ibft");
        NetworkDefinition.CheckGuard(request.PrivateGuard, "--private-guard");
        if (request.ChainId is 0 or 1)
            throw new CommandException(
                "--chain-id cannot be 0 or 1: with chain id 1 the v of a public transaction would read as that of a private one");
        if (request.PortOffset is < 0 or > ParticipantPorts.MaxOffset)
            throw new CommandException($"--port-offset must be 0 to {ParticipantPorts.MaxOffset}, not {request.PortOffset}");
        if (File.Exists(Path.Combine(request.Directory, NetworkDefinition.FileName)))
            throw new CommandException($"{request.Directory} already holds a network: choose another --dir, or start that one with 'qmesh "
                + $"network start --dir {request.Directory}'");
        CheckDepth(request.Directory);
    }

    /// <exception cref="CommandException">The sockets of a network in this directory would have names that are too long.</exception>
    internal static void CheckDepth(string directory)
    {
        const int maxSocketPath = 107; // what fits in a Unix socket address on Linux
        var longest = Path.Combine(Path.GetFullPath(directory), "A", "tm", "tm-grpc.ipc");
        if (Encoding.UTF8.GetByteCount(longest) > maxSocketPath)
            throw new CommandException($"{directory} is too deep for Unix sockets ({longest} has {longest.Length} characters, at most "
                + $"{maxSocketPath} bytes fit): choose a shorter path");
    }

    private static void WriteManagerConfig(Member member, IReadOnlyList<Member> members, NetworkRequest request)
    {
        var peers = new JsonArray([.. members.Select(m => (JsonNode)new JsonObject { ["url"] = m.P2pUrl })]);
        var config = new JsonObject
        {
            ["mode"] = "tessera",
            ["useWhiteList"] = false,
            ["jdbc"] = new JsonObject
            {
                ["url"] = "jdbc:sqlite:" + Path.Combine(member.ManagerDirectory, "tm.db"),
                ["username"] = "",
                ["password"] = "",
                ["autoCreateTables"] = true
            },
            ["serverConfigs"] = new JsonArray(
            [
                Server("Q2T", "unix:" + member.Q2tSocket),
                .. request.Q2tHttp ? [Server("Q2T", member.Q2tUrl)] : Array.Empty<JsonNode>(),
                Server("ThirdParty", member.ThirdPartyUrl),
                Server("P2P", member.P2pUrl, request.Insecure ? null : NetworkCertificates.SslConfig(member)),
                Server("ENCLAVE", "unix:" + member.EnclaveSocket),
            ]),
            ["peer"] = peers,
            ["alwaysSendTo"] = new JsonArray(),
            ["features"] = new JsonObject { ["enableRemoteKeyValidation"] = true },
            ["quorummesh"] = new JsonObject { ["grpc"] = "unix:" + member.GrpcSocket, ["healthUrl"] = member.ManagerHealthUrl },
        };
        Write(member.ManagerConfig, config);
    }

    private static void WriteEnclaveConfig(Member member) => Write(member.EnclaveConfig, new JsonObject
    {
        ["serverConfigs"] = new JsonArray(Server("ENCLAVE", "unix:" + member.EnclaveSocket)),
        ["keys"] = new JsonObject
        {
            ["identity"] = new JsonObject
            {
                ["privateKeyPath"] = member.IdentityPath + ".key",
                ["publicKeyPath"] = member.IdentityPath + ".pub",
            },
            ["keyData"] = new JsonArray(
                new JsonObject { ["privateKeyPath"] = member.EnclaveKeyPath + ".key", ["publicKeyPath"] = member.EnclaveKeyPath + ".pub" }),
        },
        ["alwaysSendTo"] = new JsonArray(),
        ["encryptor"] = new JsonObject { ["type"] = "NACL" },
    });

    private static JsonObject Server(string app, string address, JsonObject? ssl = null)
    {
        var server = new JsonObject { ["app"] = app, ["serverAddress"] = address, ["communicationType"] = "REST" };
        if (ssl is not null) server["sslConfig"] = ssl;
        return server;
    }

    private static void Write(string path, JsonNode config) =>
        PrivateFiles.WriteNew(path, config.ToJsonString(NetworkDefinition.JsonOptions) + "\n");
}
