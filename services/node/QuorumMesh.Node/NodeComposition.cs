using System.Net;
using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;
using QuorumMesh.Chain;
using QuorumMesh.Chain.Genesis;
using QuorumMesh.Chain.Storage;
using QuorumMesh.Consensus.Raft;
using QuorumMesh.Evm;
using QuorumMesh.Node.Accounts;
using QuorumMesh.Node.Network;
using QuorumMesh.Node.Network.Discovery;
using QuorumMesh.Node.Network.Peers;
using QuorumMesh.Node.Network.RaftHttp;
using QuorumMesh.Node.Privacy;
using QuorumMesh.Node.Rpc;
using QuorumMesh.Node.Rpc.Access;
using QuorumMesh.Node.Rpc.Calls;
using QuorumMesh.Node.Rpc.Engine;
using QuorumMesh.Node.Runtime;
using QuorumMesh.Node.Runtime.Bft;
using QuorumMesh.Node.Runtime.Consensus;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Node.Runtime.Raft;
using QuorumMesh.Node.Storage;
using QuorumMesh.Node.Storage.KeyValue;
using QuorumMesh.Node.Storage.RaftLog;
using QuorumMesh.Outbound;
using QuorumMesh.Primitives;
using QuorumMesh.ServiceDefaults;
using QuorumMesh.Tls;

namespace QuorumMesh.Node;

/// <summary>Puts the node together: stores, keys, network, manager, the loop, RPC. Everything is made here and nowhere else.</summary>
internal sealed class NodeComposition : IAsyncDisposable
{
    /// <summary>With what follows it a stop takes less than five seconds.</summary>
    private static readonly TimeSpan HandOverLimit = TimeSpan.FromSeconds(2);

    private readonly NodeSettings _settings;
    private readonly ILoggerFactory _loggers;
    private readonly OutboundHandlers _handlers = new();
    private readonly TlsMaterials _materials = new(TimeProvider.System);
    private readonly ILogger _log;
    private readonly DataDirectory _data;
    private NodeLoop? _loop;

    /// <summary>Disposed in the opposite order of their making.</summary>
    private readonly Stack<object> _owned = new();

    private NodeComposition(NodeSettings settings, ILoggerFactory loggers)
    {
        (_settings, _loggers) = (settings, loggers);
        _log = loggers.CreateLogger("QuorumMesh.Node");
        _data = DataDirectory.Open(settings.DataDirectory, settings.RaftLogDirectory, settings.NodeListsDirectory);
        if (_data.CloseToOthers() is { } closed) _log.LogWarning("{Closed}", closed);
    }

    public NodeService Service { get; private set; } = null!;

    /// <summary>Null on an IBFT or QBFT chain.</summary>
    public RaftStart? Raft { get; private set; }

    /// <summary>Null when JSON-RPC is not served over HTTP.</summary>
    public Uri? HttpAddress { get; private set; }

    public NodeAssembly Node { get; private set; } = null!;

    public NodeCore Core => Node.Core;

    /// <summary>What holds up transactions, and for how long so far.</summary>
    public (TimeSpan For, string With) Busy => _loop?.Busy ?? default;

    /// <summary>Ends with the loop; faulted when the node could not go on.</summary>
    public Task Ended { get; private set; } = Task.CompletedTask;

    public static async Task<NodeComposition> OpenAsync(NodeSettings settings, ILoggerFactory loggers, CancellationToken cancel)
    {
        var composition = new NodeComposition(settings, loggers);
        try
        {
            await composition.OpenAsync(cancel).ConfigureAwait(false);
            return composition;
        }
        catch
        {
            await composition.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>
    /// Before a stop: a Raft leader lets another member lead, so that the others need not wait for an election. Bounded; when nobody can
    /// take over, the node stops all the same.
    /// </summary>
    public async Task HandOverAsync()
    {
        if (Ended.IsCompleted || Node.Raft is not { View.Role: RaftRole.Leader, View.Members.Count: > 1 }) return;
        using var limit = new CancellationTokenSource(HandOverLimit);
        try
        {
            var leader = await Service.RaftNode!.TransferLeadershipAsync(target: null, limit.Token).ConfigureAwait(false);
            _log.LogInformation("Raft id {Leader} leads now: this node stops", leader);
        }
        catch (Exception e) when (e is RaftMembershipException or NodeHaltedException or OperationCanceledException)
        {
            _log.LogWarning("This node stops as the leader, and the others have to elect another: {Reason}", e.Message);
        }
    }

    public async ValueTask DisposeAsync()
    {
        while (_owned.TryPop(out var owned))
        {
            if (owned is IAsyncDisposable slow) await slow.DisposeAsync().ConfigureAwait(false);
            else ((IDisposable)owned).Dispose();
        }
    }

    private async Task OpenAsync(CancellationToken cancel)
    {
        // First, so that whoever posts into it ends before it does.
        var mailbox = Own(new Mailbox<NodeInput>(weigh: static input => input.Weight));
        var key = Own(OwnNodeKey.LoadOrCreate(_settings.NodeKeyFile ?? _data.NodeKey));
        var nodeId = Hex.ToHex(key.PublicKey, prefix: false);
        var stores = Own(ChainOpener.Open(_data, _settings));
        if (LossOf(stores) is { } loss) _log.LogWarning("{Loss}", StoreLossReport.Describe(loss));
        WarnOfIgnored(stores.Rules);
        WarnOfCache(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes >> 20);
        var compiler = OpenCompiler(stores.Rules.Code);
        var keystore = Own(OpenKeystore());
        var manager = PrivacyOptions.Open(_settings.Privacy, _settings.PrivacyTls, _settings.Manager, _handlers, _materials, Tell);
        if (manager is IDisposable disposable) Own(disposable);
        await RequirePrivacyFlagsAsync(manager, stores.Rules.Config, cancel).ConfigureAwait(false);
        var peers = Own(new PeerServer(PeerOptions(key, stores.Rules.Config.Engine), _loggers.CreateLogger<PeerServer>()));
        var lists = Own(new PeerLists(_data, _settings.Permissioned, peers, nodeId, _log));
        var events = new NodeEvents();
        var networkId = NetworkId(stores.Rules.Config);
        var transport = stores.Rules.Config.Engine == EngineKind.Raft ? OpenRaft(stores, key, nodeId, peers) : null;
        Node = new NodeAssembly(CoreSetup(stores, key, events), Consensus(transport, peers, lists, nodeId), Seams(peers, manager, mailbox));
        var loop = Own(new NodeLoop(Node, mailbox));
        WatchDatabase(manager, mailbox);
        Own(new NodeMetrics(Node, events, compiler));
        AttachLogs(events);
        Service = new NodeService(stores, Node, loop, mailbox)
        {
            NetworkId = networkId,
            ClientVersion = ClientVersion,
            DataDirectory = _data.Path,
            TransactionManager = manager,
            Accounts = new KeystoreAccounts(keystore),
            NodeKey = key,
            Peers = peers,
            Events = events,
        };
        var status = new PeerStatusKeeper(peers, stores, networkId);
        status.Attach(events);
        await StartPeersAsync(transport, peers, lists).ConfigureAwait(false);
        loop.Start();
        _loop = loop;
        if (transport is not null) MeetMembers(transport, peers);
        Ended = loop.Ended;
        if (_settings.PrivateGuard != PrivateGuardMode.Off) OpenCreationIndex(stores.Creations);
        var rpc = Own(new RpcServer(Service, RpcOptions(), _loggers));
        if (_settings.RpcAccess.Warning(_settings.Http, _settings.Ws) is { } insecure) _log.LogWarning("{Insecure}", insecure);
        Own(_materials).Watch(Tell);
        await rpc.StartAsync(cancel).ConfigureAwait(false);
        HttpAddress = rpc.HttpAddress;
        _log.LogInformation("Node {NodeId} is {Name} of chain {ChainId}, profile {Profile}, head {Head}", nodeId[..16],
            Raft is { } raft ? $"raft id {raft.RaftId}" : key.Address, stores.Rules.Config.ChainId, stores.Rules.Profile, Core.Head.Number);
    }

    /// <summary>
    /// In GoQuorum's words (24:cmd/geth/config.go quorumValidatePrivacyEnhancements). A manager that is away is waited for, as ever.
    /// </summary>
    private static async Task RequirePrivacyFlagsAsync(ITransactionManager manager, ChainConfig config, CancellationToken cancel)
    {
        if (!config.NamesPrivacyEnhancements || manager is not IManagerProbe probe) return;
        if (await probe.KnowsPrivacyFlagsAsync(cancel).ConfigureAwait(false) == false)
            throw new StartupException("Cannot start quorum with privacy enhancements enabled while the transaction manager does not "
                + "support it: it speaks an API before 2.0; update it, or give all nodes a genesis without privacyEnhancementsBlock");
    }

    private static NodeSeams Seams(PeerServer peers, ITransactionManager manager, Mailbox<NodeInput> mailbox) => new()
    {
        Peers = peers,
        Manager = manager,
        Clock = TimeProvider.System,
        Elapsed = CheapClock(),
        Post = mailbox.TryPostUrgent,
        PostBulk = mailbox.TryPostBulk,
    };

    /// <summary>The system's clock by its ticks of some milliseconds, which cost a tenth of the exact time to ask for.</summary>
    private static Func<long> CheapClock()
    {
        var offset = (long)TimeProvider.System.GetElapsedTime(0).TotalMilliseconds - Environment.TickCount64;
        return () => Environment.TickCount64 + offset;
    }

    private void AttachLogs(NodeEvents events)
    {
        NodeEventLog.Attach(events, Core, _log, _settings.EmitCheckpoints);
        RaftEventLog.Attach(events, _log);
        BftEventLog.Attach(events, _log);
    }

    /// <summary>A member of a Raft cluster dials its members; on other chains the file says who is dialled.</summary>
    private async Task StartPeersAsync(RaftTransport? transport, PeerServer peers, PeerLists lists)
    {
        if (transport is null)
        {
            peers.Start(Node.PeerHandler);
        }
        else if (!Node.Raft!.View.HasLeft)
        {
            await transport.StartAsync().ConfigureAwait(false);
            peers.Start(Node.PeerHandler);
        }
        lists.Watch(dialsStatic: transport is null);
        StartDiscovery(peers);
    }

    /// <summary>Half of the places at most are given to nodes that this node finds by itself.</summary>
    private void StartDiscovery(PeerServer peers)
    {
        if (!_settings.Discovery)
        {
            if (_settings.Bootnodes.Length > 0) _log.LogWarning("--bootnodes has no effect without --discovery");
            return;
        }
        var (bootnodes, passedOver) = PeerNetworks.Bootnodes(_settings.Bootnodes);
        if (passedOver.Count > 0)
            _log.LogWarning("--bootnodes: passed over, for only enode URLs with an IP address and a UDP port can be asked: {Bootnodes}",
                string.Join(", ", passedOver));
        if (!_settings.Permissioned)
            _log.LogWarning("--discovery without --permissioned: whoever is found may connect");
        var options = new DiscoveryOptions
        {
            Bootnodes = bootnodes,
            StorePath = _data.DiscoveredNodes,
            MaxPeers = Math.Max(1, _settings.MaxPeers / 2),
        };
        var discovery = Own(new DiscoveryService(peers, options, _loggers.CreateLogger<DiscoveryService>()));
        discovery.Start();
    }

    /// <summary>
    /// Of whom the log tells, it has told by now. The file alone names members of a cluster that begins, or that this node joins; later it
    /// may name some that were removed.
    /// </summary>
    private void MeetMembers(RaftTransport transport, PeerServer peers)
    {
        var view = Node.Raft!.View;
        Raft!.Connect(transport, view.Members);
        if (view.Members.Count > 0 || view.HasLeft) return;
        foreach (var member in Raft.Bootstrap) peers.AddStaticPeer(member);
    }

    private CompilationWorker? OpenCompiler(CodeCache codes) => _settings.EvmCompiled
        ? Own(new CompilationWorker(codes, e => _log.LogWarning(e, "A contract could not be compiled and stays interpreted")))
        : null;

    /// <summary>For a data directory of an earlier version; in others there is nothing to do.</summary>
    private void OpenCreationIndex(CreationIndex index) => Own(new CreationIndexBuilder(index,
        block => _log.LogInformation("How accounts have made contracts is known for all blocks up to {Block}: --private-guard looks at it "
            + "from now on", block),
        e => _log.LogWarning(e, "How accounts have made contracts could not be looked through: --private-guard does without")));

    private NodeCoreSetup CoreSetup(NodeStores stores, INodeSigner key, NodeEvents events) => new()
    {
        Stores = stores,
        Signer = key,
        Events = events,
        KeptPublicBlocks = _settings.KeptPublicBlocks,
        PrivateRewindLimit = _settings.PrivateRewindLimit,
        PrivateHeadStopsAfterMs = (long)_settings.PrivateHeadWait.TotalMilliseconds,
    };

    private ConsensusSetup Consensus(RaftTransport? transport, PeerServer peers, PeerLists lists, string nodeId)
    {
        if (transport is null)
            return new ConsensusSetup.BftMember(new BftSetup { AllowedFutureSeconds = (ulong)_settings.AllowedFutureBlockTime },
                new BftLink(peers, peers));
        var link = new RaftLink(
            transport,
            new PeerMembers(peers, nodeId, lists).Follow,
            () => Leave(lists, transport));
        return new ConsensusSetup.RaftMember(Raft!.Setup with { BlockTimeMs = _settings.RaftBlockTime }, link);
    }

    private RaftTransport OpenRaft(NodeStores stores, NodeKey key, string nodeId, PeerServer peers)
    {
        var disk = Own(new FileRaftDisk(_data.RaftLog));
        var genesis = ChainStore.GetCanonicalHash(stores.KeyValues, 0) ?? throw new StartupException("the store has no genesis");
        RaftLogOwner.Check(disk, nodeId, genesis, RaftStart.IdOf(stores.KeyValues));
        var log = Own(new FileRaftLog(disk));
        if (log.TruncatedBytes > 0)
            _log.LogWarning("The Raft log ended in a record of {Bytes} bytes that a crash cut off; it is dropped, nothing acknowledged is "
                + "in it", log.TruncatedBytes);
        StoreLossReport.RefuseWhatIsLostForGood(LossOf(stores), stores.KeyValues, log);
        Raft = RaftStart.Open(_data, _settings, nodeId, stores.KeyValues, log);
        new RaftLogOwner(nodeId, genesis, Raft.RaftId).Claim(disk);
        var options = new RaftTransportOptions
        {
            Id = Raft.RaftId,
            Listen = new IPEndPoint(BindAddress, _settings.RaftPort),
            Tls = _settings.RaftTls.Open(_materials, key, Tell),
            Transactions = _settings.RaftCompact ? peers.ForRaft : null,
        };
        return Own(new RaftTransport(options, _handlers));
    }

    private static StoreLoss? LossOf(NodeStores stores) => (stores.KeyValues as RocksKeyValueStore)?.Loss;

    private void WarnOfIgnored(ChainRules rules)
    {
        foreach (var flag in _settings.PassedOver)
            _log.LogInformation("{Flag} is accepted and changes nothing: {Told}", flag.Name, flag.Told);
        if (rules.Config.Engine != EngineKind.Raft && _settings.RaftTls.IsGiven)
            _log.LogWarning("--raft.tls and what goes with it have no effect: this chain does not go by Raft");
        if (rules.Config.Engine != EngineKind.Raft && _settings.RaftCompact)
            _log.LogWarning("--raft.compact has no effect: this chain does not go by Raft");
        if (rules.Config.IgnoredFields(rules.Profile) is { Count: > 0 } names)
            _log.LogWarning("These fields of the genesis have no effect, as with GoQuorum of profile {Profile}: {Names}", rules.Profile,
                string.Join(", ", names));
        if (rules.Config.Mesh is { IsInferred: true })
            _log.LogWarning("An earlier QuorumMesh made this chain, whose forks after Berlin go on to count; for members that join put "
                + "{Mark} into the config of its genesis", "\"quorumMesh\": {\"version\": 0}");
    }

    private void WarnOfCache(long memory)
    {
        if (_settings.Cache.Megabytes > memory * 3 / 4)
            _log.LogWarning("--cache is {Cache} MB and the memory {Memory} MB: the node may be ended for want of memory; a smaller "
                + "--cache is only slower", _settings.Cache.Megabytes, memory);
    }

    private T Own<T>(T value) where T : notnull
    {
        _owned.Push(value);
        return value;
    }

    private IPAddress BindAddress => IPAddress.TryParse(_settings.ListenAddress, out var address) ? address
        : throw new OptionsException("--listen", $"'{_settings.ListenAddress}' is not an IP address");

    private string ClientVersion
    {
        get
        {
            var name = _settings.Identity.Length > 0 ? _settings.Identity + "/" : "";
            return $"QuorumMesh/{name}v{typeof(NodeComposition).Assembly.GetName().Version?.ToString(3)}/linux-"
                + $"{RuntimeInformation.OSArchitecture.ToString().ToLowerInvariant()}/dotnet{Environment.Version}";
        }
    }

    private PeerServerOptions PeerOptions(NodeKey key, EngineKind engine) => new()
    {
        Key = key,
        Listen = new IPEndPoint(BindAddress, _settings.Port),
        RaftPort = engine == EngineKind.Raft ? _settings.RaftPort : 0,
        ClientName = ClientVersion,
        MaxPeers = _settings.MaxPeers,
        NetRestrict = PeerNetworks.Networks(_settings.NetRestrict),
        Protocols = SubProtocol.OfEngine(engine),
        CopyBytes = engine == EngineKind.Raft && _settings.RaftCompact ? PeerServerOptions.CopiesForRaft : 0,
    };

    private ulong NetworkId(ChainConfig config)
    {
        if (config.ChainId == 1u) throw new StartupException("Cannot have chain id or network id as 1.");
        return _settings.NetworkId ?? (ulong)config.ChainId;
    }

    private KeystoreManager OpenKeystore()
    {
        var keystore = new KeystoreManager(_settings.KeystoreDirectory ?? _data.Keystore);
        AccountUnlock.Run(keystore, _settings.Unlock, _settings.PasswordFile);
        return keystore;
    }

    /// <summary>Certificates are read when somebody serves with them.</summary>
    private RpcAccessOptions RpcAccess()
    {
        if (!_settings.Http.Enabled && !_settings.Ws.Enabled) return new RpcAccessOptions();
        var access = _settings.RpcAccess.Open(_materials, _handlers, Tell);
        if (access.Keys is { } keys) Own(keys);
        return access;
    }

    private void Tell(string line) => _log.LogWarning("{Line}", line);

    private RpcServerOptions RpcOptions() => new()
    {
        Handlers = _handlers,
        Http = Endpoint(_settings.Http, "--http.methods"),
        Ws = Endpoint(_settings.Ws, "--ws.methods"),
        Access = RpcAccess(),
        IpcPath = _settings.IpcDisabled ? null : _settings.IpcPath ?? _data.Ipc,
        HttpCorsDomains = Split(_settings.HttpCorsDomain),
        HttpVirtualHosts = Split(_settings.HttpVhosts),
        WsOrigins = Split(_settings.WsOrigins),
        GasCap = _settings.RpcGasCap,
        CallTimeout = _settings.RpcEvmTimeout,
        Limits = new RpcLimits { MaxListenerBytes = (long)_settings.RpcMemory << 20 },
        BlockTimesInSeconds = _settings.RpcBlockTimesInSeconds,
        PublicTransactions = _settings.PublicTransactions,
        PrivateGuard = _settings.PrivateGuard,
        SendsPrivacyMarkers = _settings.PrivacyMarkers,
        AllowUnprotected = _settings.RpcAllowUnprotected,
    };

    private static RpcEndpointOptions? Endpoint(RpcListener listener, string methods) => listener.Enabled
        ? new RpcEndpointOptions(listener.Address, listener.Port, Split(listener.Apis), listener.Patterns(methods)) : null;

    private static string[] Split(string list) => list.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    /// <summary>Which database the manager answers from goes to the loop; that it does not tell is said once.</summary>
    private void WatchDatabase(ITransactionManager manager, Mailbox<NodeInput> mailbox)
    {
        const string unnoticed = "that its database was lost or set back goes unnoticed, and lost payloads then read 'not a party'";
        if (manager is Q2tTransactionManager)
            _log.LogWarning("The transaction manager is asked over Tessera's REST interface: {Unnoticed}", unnoticed);
        var told = 0;
        manager.DatabaseSeen += database =>
        {
            if (database is not null) mailbox.TryPostUrgent(new NodeInput.ManagerSeen(database));
            else if (Interlocked.Exchange(ref told, 1) == 0)
                _log.LogWarning("The transaction manager is of an older version: {Unnoticed}", unnoticed);
        };
    }

    /// <summary>A node that was removed talks to nobody of the cluster any more.</summary>
    private void Leave(PeerLists lists, IRaftTransport transport)
    {
        lists.Restrict(static _ => false);
        _ = transport.DisposeAsync().AsTask().ContinueWith(
            ended => _log.LogWarning(ended.Exception, "The Raft port was not closed in good order"), CancellationToken.None,
            TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
    }
}
