using QuorumMesh.Consensus.Raft;

namespace QuorumMesh.Simulation.Raft;

/// <summary>Members on a virtual clock and a network that loses, doubles, delays and reorders, under one seed.</summary>
internal sealed class RaftCluster
{
    private readonly Random _random;
    private readonly SortedDictionary<ulong, SimulatedMember> _members = [];
    private readonly PriorityQueue<RaftMessage, (int Time, int Order)> _network = new();
    private readonly HashSet<(ulong, ulong)> _cut = [];
    private readonly int _size;
    private readonly int _support; // of pre-vote: by nobody, by all, by some
    private int _time, _order, _proposals;
    private bool _faulty = true;

    public RaftCluster(int seed, int size)
    {
        (_random, _size) = (new Random(seed), size);
        _support = seed % 3;
        SlowDisks = seed % 2 == 0;
        Checks = new RaftChecks(() => _members.Values);
        var peers = Enumerable.Range(1, size).Select(i => new RaftPeer((ulong)i, [(byte)i])).ToArray();
        foreach (var peer in peers) _members[peer.Id] = new SimulatedMember(peer.Id, this, new Random(_random.Next()));
        Bootstrap = peers;
        foreach (var member in _members.Values) member.Start(peers);
    }

    public RaftChecks Checks { get; }
    public bool SlowDisks { get; }
    public bool IsFaulty => _faulty;
    public IReadOnlyList<RaftPeer> Bootstrap { get; }
    public int Crashes { get; private set; }
    public ulong Delivered { get; private set; }
    public int Introductions { get; private set; }

    /// <summary>The others are as GoQuorum's: they neither announce nor use pre-vote.</summary>
    public bool KnowsPreVote(ulong id) => _support == 1 || (_support == 2 && id % 2 == 1);

    public void Run(int ticks, bool membershipChanges)
    {
        for (var i = 0; i < ticks; i++)
        {
            Faults();
            if (membershipChanges && _random.Next(60) == 0) ChangeMembership();
            Propose();
            Strangers();
            Tick();
            if (i % 20 == 0) Checks.LogMatching();
        }
    }

    /// <summary>
    /// Everything up and connected again: within <paramref name="limit"/> ticks a new entry must be applied by all members.
    /// </summary>
    public void HealAndConverge(int limit)
    {
        _faulty = false;
        _cut.Clear();
        foreach (var member in _members.Values)
        {
            member.Heal();
            if (!member.IsUp) Restart(member);
        }
        var marker = 0UL;
        for (var i = 0; i < limit; i++)
        {
            if (i % 10 == 0) ProposeAt(_members.Values.ElementAt(_random.Next(_members.Count)), 0xff);
            Tick();
            if (i == limit / 2) marker = Checks.HighestApplied;
            if (i > limit / 2 && Checks.HighestApplied > marker && Current().All(m => m.AppliedIndex > marker)) break;
            if (i == limit - 1) throw new RaftSafetyException($"liveness: {Describe()} after {limit} ticks without faults");
        }
        Checks.LogMatching();
    }

    public void Send(IReadOnlyList<RaftMessage> messages)
    {
        foreach (var m in messages)
        {
            // Over the wire form, so that the simulation runs the codec too.
            var copy = RaftWire.DecodeMessage(RaftWire.Encode(m));
            Enqueue(copy, 0);
            if (_faulty && _random.Next(20) == 0) Enqueue(copy, 3);
        }
    }

    public void MemberLost(SimulatedMember member)
    {
        Crashes++;
        member.Crash();
        if (!_faulty) return;
        foreach (var other in _members.Values)
            if (other.IsUp && other.Core!.Leader == member.Id && _random.Next(2) == 0) other.Core.ReportLeaderLost();
    }

    private void Enqueue(RaftMessage m, int extraDelay)
    {
        if (_faulty && _random.Next(12) == 0)
        {
            Lost(m);
            return;
        }
        var delay = _faulty ? _random.Next(10) == 0 ? _random.Next(1, 8) : _random.Next(2) : 0;
        _network.Enqueue(m, (_time + delay + extraDelay, _faulty && _random.Next(4) == 0 ? _random.Next(_order + 1) : _order++));
    }

    private void Lost(RaftMessage m)
    {
        var from = _members.GetValueOrDefault(m.From);
        if (from is not { IsUp: true }) return;
        if (m.Type == RaftMessageType.Snap) from.Core!.ReportSnapshot(m.To, false);
        else if (_random.Next(2) == 0) from.Core!.ReportUnreachable(m.To);
    }

    private void Tick()
    {
        foreach (var member in _members.Values.ToArray())
        {
            MeetAnother(member);
            // Clocks drift apart.
            if (_faulty && _random.Next(10) == 0) continue;
            member.Do(c => c.Tick());
        }
        for (var budget = 20_000; budget > 0 && _network.TryPeek(out _, out var at) && at.Time <= _time; budget--)
            Deliver(_network.Dequeue());
        _time++;
    }

    private void Deliver(RaftMessage m)
    {
        if (_cut.Contains((m.From, m.To)) || _members.GetValueOrDefault(m.To) is not { IsUp: true } to)
        {
            Lost(m);
            return;
        }
        Delivered++;
        var refusal = RaftRefusal.None;
        to.Do(c => refusal = c.Step(m));
        if (refusal == RaftRefusal.UnknownSender) AskWho(to, m.From);
        else if (refusal is not (RaftRefusal.None or RaftRefusal.NotAMember or RaftRefusal.NotTheLeader or RaftRefusal.DoubtfulSnapshot))
            throw new RaftSafetyException($"member {to.Id} refuses a message of {m.From}: {refusal} ({m})");
        if (m.Type == RaftMessageType.Snap && _members.GetValueOrDefault(m.From) is { IsUp: true } from)
            from.Do(c => c.ReportSnapshot(m.To, true));
    }

    /// <summary>
    /// As a member does it that is behind: some member that it knows and can reach vouches for the sender, or does not know it
    /// either.
    /// </summary>
    private void AskWho(SimulatedMember asking, ulong unknown)
    {
        var known = _members.Values.Where(m => m.IsUp && m != asking && (m.Id <= (ulong)_size || asking.Core?.HasMember(m.Id) == true)
            && Reach(asking.Id, m.Id)).ToArray();
        if (asking.Core is null || known.Length == 0) return;
        var conf = known[_random.Next(known.Length)].ConfState;
        if (!conf.Voters.Contains(unknown) && !conf.Learners.Contains(unknown)) return;
        Introductions++;
        asking.Core.Introduce(unknown);
    }

    private bool Reach(ulong a, ulong b) => !_cut.Contains((a, b)) && !_cut.Contains((b, a));

    /// <summary>Connections are made now and then, and say what their ends know.</summary>
    private void MeetAnother(SimulatedMember member)
    {
        if (_faulty && _random.Next(10) != 0) return;
        var other = _members.Values.ElementAt(_random.Next(_members.Count));
        if (member is { IsUp: true } && other.IsUp && other != member && Reach(member.Id, other.Id))
            member.Core!.Announce(other.Id, KnowsPreVote(other.Id));
    }

    private void Strangers()
    {
        var up = _members.Values.Where(m => m.IsUp).ToArray();
        if (up.Length == 0) return;
        var to = up[_random.Next(up.Length)];
        var forged = _random.Next(3) == 0;
        var message = forged
            ? StrangerMessages.InTheNameOf(_members.Keys.ElementAt(_random.Next(_members.Count)), _random, to.Core!, [7])
            : StrangerMessages.FromStranger(_random, to.Core!);
        var (before, refusal) = ((to.Core!.Hard, to.Core.Soft), RaftRefusal.None);
        var after = before;
        to.Do(c =>
        {
            before = (c.Hard, c.Soft);
            refusal = c.Step(message);
            after = (c.Hard, c.Soft);
        });
        if (before != after || (!forged && refusal == RaftRefusal.None))
            throw new RaftSafetyException($"member {to.Id} takes from a stranger ({refusal}): {message}");
    }

    private void Faults()
    {
        if (_random.Next(40) == 0) Partition();
        if (_random.Next(50) == 0) _cut.Clear();
        foreach (var member in _members.Values.ToArray())
        {
            if (!member.IsUp)
            {
                if (_random.Next(30) == 0) Restart(member);
            }
            else if (_random.Next(150) == 0) MemberLost(member);
            else if (_random.Next(150) == 0) member.LosePowerSoon();
            else if (_random.Next(200) == 0) member.Do(c => c.ReportLeaderLost());
            else if (_random.Next(300) == 0) member.Do(c => c.TransferLeadership((ulong)_random.Next(1, _size + 1)));
        }
    }

    private void Restart(SimulatedMember member) => member.Start(member.Id <= (ulong)_size ? Bootstrap : null);

    private void Partition()
    {
        _cut.Clear();
        var side = _members.Keys.ToDictionary(id => id, _ => _random.Next(2));
        var oneWay = _random.Next(4) == 0;
        foreach (var a in _members.Keys)
            foreach (var b in _members.Keys)
                if (side[a] != side[b] && (!oneWay || side[a] == 0)) _cut.Add((a, b));
    }

    private void Propose()
    {
        var up = _members.Values.Where(m => m.IsUp).ToArray();
        if (up.Length == 0) return;
        for (var n = _random.Next(3); n > 0; n--) ProposeAt(up[_random.Next(up.Length)], (byte)_random.Next(255));
    }

    private void ProposeAt(SimulatedMember member, byte fill)
    {
        var data = new byte[_random.Next(4, 80)];
        Array.Fill(data, fill);
        BitConverter.TryWriteBytes(data, ++_proposals);
        member.Do(c => c.Propose(data));
    }

    /// <summary>Adds a learner, promotes or removes one, or removes and adds voters, through the leader.</summary>
    private void ChangeMembership()
    {
        var leader = _members.Values.FirstOrDefault(m => m is { IsUp: true, Core.IsLeader: true });
        if (leader is null) return;
        var conf = leader.Core!.ConfState;
        var (type, id) = _random.Next(3) switch
        {
            0 when _members.Count < _size + 4 => (RaftConfChangeType.AddLearnerNode, (ulong)_members.Count + 1),
            1 when conf.Learners.Count > 0 => (RaftConfChangeType.AddNode, conf.Learners[_random.Next(conf.Learners.Count)]),
            2 when conf.Voters.Count > 3 => (RaftConfChangeType.RemoveNode, conf.Voters[_random.Next(conf.Voters.Count)]),
            _ => (RaftConfChangeType.UpdateNode, leader.Id),
        };
        var accepted = false;
        leader.Do(c => accepted = c.ProposeConfChange(new RaftConfChange(0, type, id, [])));
        if (!accepted || type != RaftConfChangeType.AddLearnerNode) return;
        var added = new SimulatedMember(id, this, new Random(_random.Next()));
        _members[id] = added;
        added.Start(null);
    }

    /// <summary>Members of the newest membership; those removed or never admitted do not take part any more.</summary>
    private SimulatedMember[] Current()
    {
        var newest = _members.Values.MaxBy(m => m.AppliedIndex)!.ConfState;
        return [.. newest.Voters.Concat(newest.Learners).Select(id => _members[id])];
    }

    private string Describe() => string.Join("; ", _members.Values.Select(m =>
        $"{m.Id}: {m.Core?.Role} term {m.Core?.Term} leader {m.Core?.Leader} applied {m.AppliedIndex} last {m.Core?.LastIndex} voter of "
            + $"[{string.Join(",", m.ConfState.Voters)}]"));
}
