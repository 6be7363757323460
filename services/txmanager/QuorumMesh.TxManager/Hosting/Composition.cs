using System.Security.Cryptography;
using QuorumMesh.Listeners;
using QuorumMesh.Outbound;
using QuorumMesh.Tls;
using QuorumMesh.TxManager.Configuration;
using QuorumMesh.TxManager.Core.Distribution;
using QuorumMesh.TxManager.Core.EnclaveClient;
using QuorumMesh.TxManager.Core.Groups;
using QuorumMesh.TxManager.Core.Identities;
using QuorumMesh.TxManager.Core.Keys;
using QuorumMesh.TxManager.Core.Parties;
using QuorumMesh.TxManager.Core.Ports;
using QuorumMesh.TxManager.Rest;
using QuorumMesh.TxManager.Rest.OpenApi;
using QuorumMesh.TxManager.Rest.P2P;
using QuorumMesh.TxManager.Rest.Q2T;
using QuorumMesh.TxManager.Rest.ThirdParty;
using QuorumMesh.TxManager.Storage;
using QuorumMesh.TxManager.Storage.Sqlite;

namespace QuorumMesh.TxManager.Hosting;

/// <summary>What a test may replace.</summary>
public sealed record Seams(IEnclave? Enclave = null, TimeProvider? Clock = null);

/// <summary>The manager's objects, made by hand.</summary>
internal sealed class Composition : IDisposable
{
    private readonly ManagerOptions _options;
    private readonly StoreProvider _database;
    private readonly GrpcEnclave? _ownedEnclave;
    private readonly IDisposable? _owned;
    private readonly PeerClient _peerClient;
    private readonly TlsMaterials _materials;
    private readonly Dictionary<AppServer, TlsServer> _tls;
    private readonly TlsClient? _peerTls;
    private readonly TlsClient? _enclaveTls;
    private readonly ResendGuard? _guard;

    /// <param name="owned">Disposed with this; null for none.</param>
    public Composition(ManagerOptions options, Seams seams, IDisposable? owned = null)
    {
        _owned = owned;
        _options = options;
        var clock = seams.Clock ?? TimeProvider.System;
        _materials = new TlsMaterials(clock);
        _tls = options.Servers.Where(s => s.HasTls).ToDictionary(s => s,
            s => s.Pinned?.Server(_materials) ?? s.Ssl!.Server(_materials, s.Kind.ToString().ToLowerInvariant()));
        _peerTls = options.Servers.FirstOrDefault(s => s.Kind == AppKind.P2P)?.Ssl?.Client(_materials, "p2p");
        _enclaveTls = options.EnclaveTls?.Client(_materials);
        _database = options.Database();
        Notice = _database is SqliteProvider sqlite ? ServiceDefaults.OwnFiles.Close(sqlite.Files) : null;
        Store = PayloadStore.Open(_database, clock, options.RowCodec);
        var handlers = new OutboundHandlers();
        _ownedEnclave = seams.Enclave is not null ? null
            : new GrpcEnclave(options.EnclaveAddress!, options.EnclaveTimeout, handlers, _enclaveTls);
        var enclave = seams.Enclave ?? _ownedEnclave!;
        _peerClient = new PeerClient(PeerOptions(options), handlers, clock, _peerTls);
        PartySettings = PartyOptions(options);
        Directory = new PartyDirectory(PartySettings, clock);
        OwnKeys = new OwnKeys(enclave, options.AlwaysSendTo);
        Identities = new IdentityBook(clock, options.Identities);
        // An enclave in this process has none.
        OwnIdentity = enclave is IEnclaveIdentity identity
            ? new OwnIdentity(identity, Store, Identities, OwnKeys, options.OwnUrl) : null;
        PeerIdentities = new PeerIdentities(Identities, OwnIdentity, Store, Directory, OwnKeys, enclave, _peerClient, clock);
        _peerClient.HasShownIdentity = PeerIdentities.HasShown;
        Parties = new PartyInfoService(PartySettings, Directory, OwnKeys, enclave, _peerClient, clock, PeerIdentities, OwnIdentity);
        Poller = new PartyPoller(Directory, Parties, OwnKeys, _peerClient);

        Receipts = new ReceiptKeeper(Identities, Store, _peerClient);
        GivenReceipts = new ReceiptDesk(
            OwnIdentity, enclave as IEnclaveIdentity, OwnKeys, () => Store.ManagerIdAsync(CancellationToken.None), clock);

        var publisher = new Publisher(OwnKeys, Directory, _peerClient, Identities);
        Sender = new PayloadSender(enclave, Store, OwnKeys, publisher, new FailedSends(clock), options.PrivacyEnhancements);
        Groups = new PrivacyGroups(Store, OwnKeys, publisher, seed => RandomNumberGenerator.Fill(seed));
        Recent = new RecentPayloads(clock);
        Reader = new PayloadReader(enclave, Store, OwnKeys, Recent);
        Receiver = new PushReceiver(enclave, Store, OwnKeys, Recent, options.PrivacyEnhancements);
        _guard = options.OpenResend ? null : new ResendGuard(PartySettings, OwnKeys, enclave, clock);
        Resender = new Resender(enclave, Store, OwnKeys, publisher);
        Participations = new ParticipationKeeper(enclave, Store, OwnKeys);
        Intake = new RecoveryIntake(Receiver, Store);
        Recovery = new Recovery(PartySettings, Directory, OwnKeys, _peerClient, Intake, clock)
        {
            PeerWait = options.RecoveryPeerWait,
        };
    }

    private static PeerClientOptions PeerOptions(ManagerOptions options) => new()
    {
        Timeout = options.PeerTimeout,
        ConnectTimeout = options.PeerTimeout,
        PushTimeout = options.PushTimeout,
        ResendWait = options.ResendWait,
    };

    private static PartySettings PartyOptions(ManagerOptions options) => new()
    {
        OwnUrl = options.OwnUrl,
        AnnouncedUrl = options.AnnouncedUrl,
        Seeds = options.Peers,
        DiscoveryDisabled = options.DisablePeerDiscovery,
        ValidateRemoteKeys = options.EnableRemoteKeyValidation,
        BelievesConfigured = !options.EnableRemoteKeyValidation,
        PollInterval = options.PartyInfoInterval,
        KeyMoveAfter = options.KeyMoveAfter,
    };

    /// <summary>A line for the log about files that other users could read, or null.</summary>
    public string? Notice { get; }

    public PayloadStore Store { get; }

    public PartySettings PartySettings { get; }

    public PartyDirectory Directory { get; }

    public OwnKeys OwnKeys { get; }

    public ParticipationKeeper Participations { get; }

    public IdentityBook Identities { get; }

    /// <summary>Null for an enclave that can have none.</summary>
    public OwnIdentity? OwnIdentity { get; }

    public PeerIdentities PeerIdentities { get; }

    /// <summary>Of recipients, for what we sent.</summary>
    public ReceiptKeeper Receipts { get; }

    /// <summary>Ours, for what we received.</summary>
    public ReceiptDesk GivenReceipts { get; }

    public PartyInfoService Parties { get; }

    public PartyPoller Poller { get; }

    public PayloadSender Sender { get; }

    public PrivacyGroups Groups { get; }

    public PayloadReader Reader { get; }

    public PushReceiver Receiver { get; }

    public RecentPayloads Recent { get; }

    public Resender Resender { get; }

    public RecoveryIntake Intake { get; }

    public Recovery Recovery { get; }

    /// <summary>Lines for the log about peers.</summary>
    public event Action<string>? PeerTold
    {
        add
        {
            _peerClient.Told += value;
            Directory.Told += value;
            Sender.Told += value;
            Resender.Told += value;
        }

        remove
        {
            _peerClient.Told -= value;
            Directory.Told -= value;
            Sender.Told -= value;
            Resender.Told -= value;
        }
    }

    /// <summary>What the store knows of identities: before a peer is heard, or a key could be taken that is another's.</summary>
    public async Task LoadIdentitiesAsync(CancellationToken cancel) =>
        Identities.Load(await Store.IdentitiesAsync(cancel).ConfigureAwait(false), Identities.Changes);

    /// <summary>Null where plain text is spoken.</summary>
    public TlsServer? TlsOf(AppServer server) => _tls.GetValueOrDefault(server);

    /// <summary>From now on changed certificates and lists are taken up, and told, as is who was refused and why.</summary>
    public void WatchTls(Action<string> tell)
    {
        foreach (var tls in _tls.Values) tls.Told += tell;
        foreach (var tls in new[] { _peerTls, _enclaveTls }.OfType<TlsClient>()) tls.Told += tell;
        _materials.Watch(tell);
    }

    public async Task<RestApp> CreateAppAsync(AppServer server, IServiceProvider services, ILogger log, CancellationToken cancel)
    {
        var limits = new RestLimits(_options.MaxBody, new ByteBudget(server.Kind.ToString().ToLowerInvariant(), _options.MaxListenerBytes))
        {
            RoomTime = _options.BodyWait,
        };
        var name = server.Kind.ToString();
        var app = new RestApp(name, limits, log) { Cors = server.Cors }.AddCommonRoutes(new RestDocument(services, name));
        switch (server.Kind)
        {
            case AppKind.P2P:
                if (_options.UseWhiteList)
                    app.Admits = (await PeerWhiteList.ResolveAsync(_options.Peers, cancel).ConfigureAwait(false)).Admits;
                if (_options.Recovers)
                    new RecoveryRoutes(Intake).AddTo(app);
                else
                    new PeerRoutes(Receiver, Groups, Resender, _guard, GivenReceipts).AddTo(app);
                return new PartyInfoRoutes(Parties, Directory, OwnKeys, PartySettings, OwnIdentity).AddTo(app);
            case AppKind.Q2T:
                new SendRoutes(Sender, Groups).AddTo(app);
                new TransactionRoutes(Reader).AddTo(app);
                new EncodedPayloadRoutes(Sender, Reader).AddTo(app);
                new ReceiptRoutes(Store, Store).AddTo(app);
                return new GroupRoutes(Groups).AddTo(new IdentityRoutes(Identities, OwnIdentity, PeerIdentities).AddTo(app));
            case AppKind.ThirdParty:
                new IdentityRoutes(Identities, OwnIdentity, PeerIdentities).AddList(app);
                return new KeyRoutes(OwnKeys, Directory).AddTo(new SendRoutes(Sender, Groups).AddStoreRaw(app));
            default:
                throw new ArgumentOutOfRangeException(nameof(server), server.Kind, "not a REST application");
        }
    }

    public void Dispose()
    {
        Store.Dispose();
        OwnIdentity?.Dispose();
        _ownedEnclave?.Dispose();
        _owned?.Dispose();
        _peerClient.Dispose();
        _materials.Dispose();
        (_database as IDisposable)?.Dispose();
    }
}
