using System.Text.Json.Nodes;
using QuorumMesh.Cli.Demo;
using QuorumMesh.Cli.Network;
using QuorumMesh.EndToEnd.Namespaces;

namespace QuorumMesh.EndToEnd;

/// <summary>A real network of published processes on free ports, in a directory of its own; ends with every process gone.</summary>
public sealed class LocalNetwork : IAsyncDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);
    private const int PortsEach = 10;

    /// <summary>Waits longer than a busy machine may stand still: only a service that never answers fails a test.</summary>
    private static readonly TimeSpan AnswerPatience = TimeSpan.FromSeconds(300);

    private readonly NamespaceNet? _namespaces;

    private LocalNetwork(string directory, NetworkDefinition definition, NamespaceNet? namespaces)
    {
        Directory = directory;
        _namespaces = namespaces;
        Http = namespaces?.CreateClient(AnswerPatience, PortsEach) ?? new HttpClient { Timeout = AnswerPatience };
        Definition = definition;
        Runner = new NetworkRunner(directory, definition);
        Parties = [.. definition.Participants.Select(p => new PlainParty(Http, p))];
        Rpc = [.. definition.Participants.Select(p => new JsonRpcClient(Http, p.Rpc))];
    }

    public string Directory { get; }
    public NetworkDefinition Definition { get; }
    public NetworkRunner Runner { get; }

    public HttpClient Http { get; }

    public IReadOnlyList<PlainParty> Parties { get; }
    public IReadOnlyList<JsonRpcClient> Rpc { get; }

    /// <param name="edit">Changes the genesis before the start.</param>
    /// <param name="chainId">Null draws one.</param>
    /// <param name="privateGuard">Of all nodes; null leaves it to them.</param>
    /// <param name="namespaces">Where the participants live, each in its own; null for all on the machine's loopback.</param>
    public static async Task<LocalNetwork> StartAsync(int participants, string consensus = NetworkRequest.Raft,
        Action<JsonObject>? edit = null, ulong? chainId = null, string? privateGuard = null, NamespaceNet? namespaces = null)
    {
        UseArtifacts();
        var directory = System.IO.Directory.CreateTempSubdirectory("qmesh-e2e-").FullName;
        var definition = NetworkCreator.Create(
            new NetworkRequest(directory, participants, consensus, "cancun", chainId, Profile: null, PortOffset: 0)
            { DensePortsFrom = DemoCommand.FreePorts(participants), PrivateGuard = privateGuard });
        if (namespaces is not null) definition = namespaces.Settle(directory, definition);
        var network = new LocalNetwork(directory, definition, namespaces);
        if (edit is not null) EditGenesis(Path.Combine(directory, "genesis.json"), edit);
        try
        {
            await network.StartAllAsync();
            return network;
        }
        catch
        {
            await network.DisposeAsync();
            throw;
        }
    }

    private static void EditGenesis(string path, Action<JsonObject> edit)
    {
        var genesis = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
        edit(genesis);
        File.WriteAllText(path, genesis.ToJsonString());
    }

    public ServiceProcess Service(int participant, ServiceKind kind) =>
        Runner.Services.Single(s => s.Participant == Definition.Participants[participant] && s.Kind == kind);

    public async Task KillAsync(ServiceProcess service)
    {
        service.Kill();
        await UntilAsync(() => Task.FromResult(service.RunningPid is null), $"{service.Name} is gone");
    }

    /// <summary>Starts one that does not run.</summary>
    public void Start(ServiceProcess service)
    {
        if (_namespaces is null)
            Runner.StartOne(service);
        else
            _namespaces.Run(Definition.Participants.ToList().IndexOf(service.Participant), () =>
            {
                Runner.StartOne(service);
                return true;
            });
    }

    public async Task StartAgainAsync(ServiceProcess service)
    {
        Start(service);
        await Runner.WaitReadyAsync(Http, service, CancellationToken.None);
    }

    /// <summary>A public transaction from the participant's own account; gives its hash.</summary>
    public async Task<string> SendPublicAsync(int participant, string? to, string data)
    {
        var transaction = new JsonObject { ["from"] = Definition.Participants[participant].Account, ["gas"] = "0x47b760", ["data"] = data };
        if (to is not null) transaction["to"] = to;
        return (string)(await Rpc[participant].CallAsync("eth_sendTransaction", CancellationToken.None, transaction))!;
    }

    /// <summary>Leaves a payload with the participant's manager, for a transaction that is signed elsewhere; gives its hash.</summary>
    public async Task<byte[]> StoreRawAsync(int participant, string data)
    {
        var manager = Definition.Participants[participant];
        var request = new JsonObject
        {
            ["payload"] = Convert.ToBase64String(Convert.FromHexString(data[2..])),
            ["from"] = manager.TxManagerKey
        };
        using var content = new StringContent(request.ToJsonString(), System.Text.Encoding.UTF8, "application/json");
        using var answer = await Http.PostAsync(manager.ThirdParty + "/storeraw", content);
        var body = await answer.Content.ReadAsStringAsync();
        if (!answer.IsSuccessStatusCode)
            throw new Cli.CommandException($"storeraw at {manager.ThirdParty}: {(int)answer.StatusCode} {body}");
        return Convert.FromBase64String((string)JsonNode.Parse(body)!["key"]!);
    }

    public Task<ulong> HeadAsync(int participant) => QuantityAsync(participant, "eth_blockNumber");

    public async Task<ulong> QuantityAsync(int participant, string method, params JsonNode?[] parameters) =>
        Convert.ToUInt64((string)(await Rpc[participant].CallAsync(method, CancellationToken.None, parameters))!, 16);

    /// <summary>One call for each parameter, in one request; the results in the order of the parameters.</summary>
    /// <exception cref="Cli.CommandException">A call was answered with an error.</exception>
    public async Task<JsonNode?[]> BatchAsync(int participant, string method, IReadOnlyList<string> parameters)
    {
        var calls = parameters.Select(
            (parameter, i) => (JsonNode)new JsonObject
            {
                ["jsonrpc"] = "2.0",
                ["id"] = i,
                ["method"] = method,
                ["params"] = new JsonArray(parameter)
            });
        using var content = new StringContent(new JsonArray([.. calls]).ToJsonString(), System.Text.Encoding.UTF8, "application/json");
        using var answer = await Http.PostAsync(Definition.Participants[participant].Rpc, content);
        var results = new JsonNode?[parameters.Count];
        foreach (var one in JsonNode.Parse(await answer.Content.ReadAsStringAsync())!.AsArray())
            results[(int)one!["id"]!] = one["error"] is { } error
                ? throw new Cli.CommandException($"{method} at {Parties[participant].Name}: {error["message"]}") : one["result"];
        return results;
    }

    /// <summary>The hash of a block at every participant must be the same once all have it.</summary>
    public async Task AssertSameBlockAsync(ulong number)
    {
        var seen = new HashSet<string>();
        for (var i = 0; i < Rpc.Count; i++)
        {
            var participant = i;
            await UntilAsync(async () => await HeadAsync(participant) >= number, $"{Parties[i].Name} has block {number}");
            seen.Add((string)(await Rpc[i].CallAsync("eth_getBlockByNumber", CancellationToken.None, $"0x{number:x}", false))!["hash"]!);
        }
        Assert.Single(seen);
    }

    public static Task UntilAsync(Func<Task<bool>> condition, string what) => UntilAsync(condition, () => what);

    /// <param name="what">Asked at the end, when the condition did not come true.</param>
    public static async Task UntilAsync(Func<Task<bool>> condition, Func<string> what)
    {
        var clock = System.Diagnostics.Stopwatch.StartNew();
        Exception? last = null;
        while (clock.Elapsed < Patience)
        {
            try
            {
                if (await condition()) return;
                last = null;
            }
            catch (Exception e) when (e is Cli.CommandException or HttpRequestException or TaskCanceledException)
            {
                last = e;
            }
            await Task.Delay(25);
        }
        Assert.Fail($"not true after {Patience.TotalSeconds} s: {what()}{(last is null ? "" : " (" + last.Message + ")")}");
    }

    public async ValueTask DisposeAsync()
    {
        await Runner.StopAsync(_ => { });
        Http.Dispose();
        if (Environment.GetEnvironmentVariable("QUORUMMESH_KEEP") is null) System.IO.Directory.Delete(Directory, recursive: true);
    }

    private async Task StartAllAsync()
    {
        if (_namespaces is null)
        {
            await Runner.StartAsync(_ => { }, CancellationToken.None);
            return;
        }
        foreach (var service in Runner.Services) Start(service);
        foreach (var service in Runner.Services) await Runner.WaitReadyAsync(Http, service, CancellationToken.None);
    }

    public static string Repository
    {
        get
        {
            var root = new DirectoryInfo(AppContext.BaseDirectory);
            while (root is not null && !File.Exists(Path.Combine(root.FullName, "QuorumMesh.sln"))) root = root.Parent;
            return root!.FullName;
        }
    }

    /// <summary>The tests run what `make publish` made.</summary>
    public static void UseArtifacts()
    {
        if (Environment.GetEnvironmentVariable("QUORUMMESH_ARTIFACTS") is not null) return;
        Environment.SetEnvironmentVariable("QUORUMMESH_ARTIFACTS", Path.Combine(Repository, "artifacts"));
    }
}
