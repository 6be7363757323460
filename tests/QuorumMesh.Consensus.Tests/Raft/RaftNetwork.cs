using QuorumMesh.Consensus.Raft;

namespace QuorumMesh.Consensus.Tests.Raft;

/// <summary>Cores over logs in memory; messages are delivered at once and in order unless a filter drops them.</summary>
internal sealed class RaftNetwork
{
    private readonly Dictionary<ulong, RaftTestMember> _members = [];

    public RaftNetwork(int size, Func<RaftConfig, RaftConfig>? configure = null)
    {
        var peers = Enumerable.Range(1, size).Select(i => new RaftPeer((ulong)i, [(byte)i])).ToArray();
        foreach (var peer in peers) _members[peer.Id] = new RaftTestMember(peer.Id, peers, configure);
        Settle();
    }

    /// <summary>False drops the message.</summary>
    public Func<RaftMessage, bool> Filter { get; set; } = _ => true;

    public List<RaftMessage> Delivered { get; } = [];

    public RaftTestMember this[ulong id] => _members[id];

    public IEnumerable<RaftTestMember> All => _members.Values;

    public RaftTestMember Leader =>
        _members.Values.Where(m => m.Core.IsLeader).MaxBy(m => m.Core.Term) ?? throw new InvalidOperationException("no leader");

    /// <summary>One that joins: it is configured with the members there are.</summary>
    public RaftTestMember Add(ulong id, Func<RaftConfig, RaftConfig>? configure = null)
    {
        var added = new RaftTestMember(id, null, configure);
        foreach (var other in _members.Keys) added.Core.Introduce(other);
        return _members[id] = added;
    }

    /// <summary>Every member tells every other what it knows, as it does whenever a connection is made.</summary>
    public void AnnouncePreVote(params ulong[] exceptOf)
    {
        foreach (var member in _members.Values)
            foreach (var other in _members.Keys) member.Core.Announce(other, !exceptOf.Contains(other));
    }

    public void Isolate(params ulong[] ids) => Filter = m => !ids.Contains(m.From) && !ids.Contains(m.To);

    public void Heal() => Filter = _ => true;

    public void Elect(ulong id)
    {
        _members[id].Core.Campaign();
        Settle();
    }

    public bool Propose(ulong at, params byte[] data)
    {
        var accepted = _members[at].Core.Propose(data);
        Settle();
        return accepted;
    }

    public void Tick(int count = 1)
    {
        for (var i = 0; i < count; i++)
        {
            foreach (var member in _members.Values) member.Core.Tick();
            Settle();
        }
    }

    /// <summary>Until nothing moves any more.</summary>
    public void Settle()
    {
        for (var round = 0; round < 10_000; round++)
        {
            var messages = _members.Values.SelectMany(m => m.Drain()).ToArray();
            if (messages.Length == 0) return;
            foreach (var m in messages)
            {
                if (!Filter(m) || !_members.TryGetValue(m.To, out var to)) continue;
                Delivered.Add(m);
                to.Core.Step(m);
            }
        }
        throw new InvalidOperationException("the messages do not come to an end");
    }
}

internal sealed class RaftTestMember
{
    private readonly Func<RaftConfig, RaftConfig>? _configure;

    public RaftTestMember(ulong id, IReadOnlyList<RaftPeer>? bootstrap, Func<RaftConfig, RaftConfig>? configure)
    {
        (Id, _configure) = (id, configure);
        Core = bootstrap is null ? new RaftCore(Config(), Log, Random) : RaftCore.Bootstrap(Config(), Log, Random, bootstrap);
    }

    public ulong Id { get; }
    public MemoryRaftLog Log { get; } = new();
    public RaftCore Core { get; private set; }
    public List<RaftEntry> Applied { get; } = [];
    public List<RaftSoftState> SoftStates { get; } = [];
    public RaftSnapshot? Installed { get; private set; }
    public RaftConfState ConfState { get; private set; } = RaftConfState.Empty;

    /// <summary>Data of the applied entries that carry any.</summary>
    public IEnumerable<byte> Values => Applied.Where(e => e.Type == RaftEntryType.Normal && e.Data.Length > 0).Select(e => e.Data[0]);

    public void Restart()
    {
        Core = new RaftCore(Config() with { Applied = Applied.Count > 0 ? Applied[^1].Index : 0, ConfState = ConfState }, Log, Random);
    }

    /// <summary>Like <see cref="Drain"/>, and membership entries that are none change nothing.</summary>
    public void DrainUnreadable() => Drain(e =>
    {
        try
        {
            return RaftWire.DecodeConfChange(e.Data);
        }
        catch (RaftFormatException)
        {
            return new RaftConfChange(0, RaftConfChangeType.AddNode, 0, []);
        }
    });

    /// <summary>Persists and applies everything; returns what is to be sent.</summary>
    public IReadOnlyList<RaftMessage> Drain() => Drain(e => RaftWire.DecodeConfChange(e.Data));

    private List<RaftMessage> Drain(Func<RaftEntry, RaftConfChange> decode)
    {
        var messages = new List<RaftMessage>();
        while (Core.HasReady)
        {
            var ready = Core.Ready();
            Log.Append(ready.HardState, ready.Entries, ready.Snapshot);
            messages.AddRange(ready.Messages);
            if (ready.SoftState is { } soft) SoftStates.Add(soft);
            if (ready.Snapshot is not null) (Installed, ConfState) = (ready.Snapshot, ready.Snapshot.ConfState);
            foreach (var entry in ready.CommittedEntries)
            {
                Applied.Add(entry);
                if (entry.Type == RaftEntryType.ConfChange) ConfState = Core.ApplyConfChange(decode(entry));
            }
            Core.Advance(ready);
        }
        return messages;
    }

    // No randomness: every timeout is the shortest plus the member's number, so that elections do not split.
    private int Random(int n) => (int)((Id - 1) % (ulong)n);

    private RaftConfig Config()
    {
        var config = new RaftConfig { Id = Id };
        return _configure is null ? config : _configure(config);
    }
}
