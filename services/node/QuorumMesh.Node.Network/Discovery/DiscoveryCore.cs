using System.Net;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Network.Discovery;

/// <summary>A packet to be sent.</summary>
internal readonly record struct Datagram(IPEndPoint To, byte[] Packet);

/// <summary>The time of one step.</summary>
/// <param name="Elapsed">Since any fixed time; never goes back.</param>
/// <param name="Unix">Seconds since 1970, which packets carry.</param>
internal readonly record struct DiscoveryTime(TimeSpan Elapsed, ulong Unix);

/// <summary>
/// Discovery v4 without a socket and a clock (devp2p: discv4.md): what comes and the time go in, packets to be sent come out. Nobody is
/// told of nodes who has not shown, by a pong, that the address is its own: to a victim's address go one pong and one ping, never a list.
/// Everything that is remembered is bounded.
/// </summary>
internal sealed class DiscoveryCore
{
    private const int MaxPings = 256;

    /// <summary>Of them for strangers that pinged first; the others are for checks, seeds and lookups of this node's own.</summary>
    private const int MaxPingsBack = MaxPings / 2;

    private const int MaxProofs = 4_096;
    private const int Parallel = 3;
    private const int MostFails = 3;
    private const ulong PacketLife = 20;
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan ProofLife = TimeSpan.FromHours(24);
    private static readonly TimeSpan CheckInterval = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan SeedInterval = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan BusyLookups = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan CalmLookups = TimeSpan.FromSeconds(60);

    private readonly NodeKey _key;
    private readonly IPEndPoint _self;
    private readonly int _tcpPort;
    private readonly Func<IPAddress, bool> _isInNetwork;
    private readonly NodeTable _table;
    private readonly List<FoundNode> _seeds;
    private readonly Dictionary<Hash256, Ping> _pings = [];
    private readonly Dictionary<Hash256, Proof> _proofs = [];
    private readonly Dictionary<Hash256, Question> _questions = [];
    private readonly Dictionary<Hash256, int> _fails = [];
    private readonly Queue<Hash256> _toCheck = [];
    private readonly List<Datagram> _out = [];
    private Lookup? _lookup;
    private TimeSpan? _lastCheck;
    private TimeSpan? _lastSeeds;
    private TimeSpan? _lastLookup;

    /// <param name="self">Where this node says it is; peers go by where packets come from.</param>
    /// <param name="seeds">Who is asked first: bootnodes, and who was known at the last stop.</param>
    /// <param name="isInNetwork">Addresses beyond are not talked to.</param>
    public DiscoveryCore(NodeKey key, IPEndPoint self, int tcpPort, IEnumerable<FoundNode> seeds, Func<IPAddress, bool> isInNetwork)
    {
        (_key, _self, _tcpPort, _isInNetwork) = (key, self, tcpPort, isInNetwork);
        Id = Keccak.Hash(key.PublicKey);
        _table = new NodeTable(Id);
        _seeds = [.. seeds.Where(seed => seed.Id != Id)];
    }

    public Hash256 Id { get; }

    /// <summary>Nodes that have shown that they are there.</summary>
    public IReadOnlyList<FoundNode> Nodes => [.. _table.Nodes];

    /// <summary>What is to be sent, once.</summary>
    public List<Datagram> TakeOutgoing()
    {
        var taken = _out.ToList();
        _out.Clear();
        return taken;
    }

    /// <exception cref="FormatException">It is no packet of discovery.</exception>
    public void Receive(IPEndPoint from, ReadOnlySpan<byte> packet, DiscoveryTime now)
    {
        if (!_isInNetwork(from.Address)) return;
        var received = DiscoveryPacket.Decode(packet);
        if (received.Message is not { } message || message.Expiration < now.Unix) return;
        var id = Keccak.Hash(received.Sender);
        if (id == Id) return;
        switch (message)
        {
            case DiscoveryMessage.Ping ping:
                OnPing(new FoundNode(received.Sender, from, ping.TcpPort), received.Hash, now);
                break;
            case DiscoveryMessage.Pong pong:
                OnPong(id, from, pong, now);
                break;
            case DiscoveryMessage.FindNode find:
                OnFindNode(id, from, find, now);
                break;
            case DiscoveryMessage.Neighbours neighbours:
                OnNeighbours(id, from, neighbours, now);
                break;
        }
    }

    /// <summary>What is due by time: pings that were not answered, checks of nodes, lookups.</summary>
    /// <param name="random">64 bytes: where the next lookup, if one is due, looks.</param>
    public void Tick(DiscoveryTime now, byte[] random)
    {
        ExpirePings(now);
        foreach (var (id, question) in _questions.Where(q => q.Value.Until <= now.Elapsed).ToList()) EndQuestion(id, question, now);
        if (_table.Count == 0 && IsDue(ref _lastSeeds, SeedInterval, now))
            foreach (var seed in _seeds) SendPing(seed, now);
        if (IsDue(ref _lastCheck, CheckInterval, now)) CheckOne(now);
        var interval = _table.Count < NodeTable.BucketSize ? BusyLookups : CalmLookups;
        if (_lookup is null && _table.Count > 0 && IsDue(ref _lastLookup, interval, now))
            _lookup = new Lookup(random, Keccak.Hash(random), _table.Nearest(Keccak.Hash(random), NodeTable.BucketSize));
        AskOn(now);
    }

    private static bool IsDue(ref TimeSpan? last, TimeSpan interval, DiscoveryTime now)
    {
        if (last is { } before && now.Elapsed - before < interval) return false;
        last = now.Elapsed;
        return true;
    }

    private void OnPing(FoundNode sender, Hash256 pingHash, DiscoveryTime now)
    {
        Send(sender.Udp, new DiscoveryMessage.Pong(sender.Udp, pingHash) { Expiration = now.Unix + PacketLife });
        if (IsProven(sender.Id, sender.Udp, now)) Know(sender);
        else SendPing(sender, now, isBack: true);
    }

    private void OnPong(in Hash256 id, IPEndPoint from, DiscoveryMessage.Pong pong, DiscoveryTime now)
    {
        if (!_pings.TryGetValue(pong.PingHash, out var ping) || ping.Node.Id != id || !ping.Node.Udp.Equals(from)) return;
        _pings.Remove(pong.PingHash);
        _fails.Remove(id);
        if (_proofs.Count >= MaxProofs && !_proofs.ContainsKey(id)) _proofs.Remove(_proofs.MinBy(proof => proof.Value.At).Key);
        _proofs[id] = new Proof(from, now.Elapsed);
        Know(ping.Node);
    }

    private void Know(FoundNode node)
    {
        // What was told of by others has the port that they knew; its own ping says better, and comes with the same endpoint.
        if (node.TcpPort == 0 && _table.Find(node.Id) is { } known && known.Udp.Equals(node.Udp)) return;
        _table.Add(node);
    }

    private void OnFindNode(in Hash256 id, IPEndPoint from, DiscoveryMessage.FindNode find, DiscoveryTime now)
    {
        if (!IsProven(id, from, now)) return;
        var nearest = _table.Nearest(Keccak.Hash(find.Target), NodeTable.BucketSize)
            .Where(node => AddressRules.MayTell(from.Address, node.Udp.Address) || AddressRules.IsLan(from.Address)).ToList();
        foreach (var some in nearest.Chunk(DiscoveryPacket.MaxNeighbours).DefaultIfEmpty([]))
            Send(from, new DiscoveryMessage.Neighbours(some) { Expiration = now.Unix + PacketLife });
    }

    private void OnNeighbours(in Hash256 id, IPEndPoint from, DiscoveryMessage.Neighbours neighbours, DiscoveryTime now)
    {
        if (!_questions.TryGetValue(id, out var question) || !question.Asked.Udp.Equals(from)) return;
        foreach (var node in neighbours.Nodes)
        {
            if (question.Got == NodeTable.BucketSize) break;
            question.Got++;
            if (node.Id == Id || node.Udp.Port == 0 || !AddressRules.MayTell(from.Address, node.Udp.Address)) continue;
            if (_table.Find(node.Id) is { } known) _lookup?.Add(known);
            else SendPing(node, now);
        }
        if (question.Got == NodeTable.BucketSize) EndQuestion(id, question, now);
    }

    private void EndQuestion(in Hash256 id, Question question, DiscoveryTime now)
    {
        _questions.Remove(id);
        if (question.Got == 0) Failed(question.Asked);
        AskOn(now);
    }

    private void AskOn(DiscoveryTime now)
    {
        if (_lookup is not { } lookup) return;
        foreach (var node in _table.Nearest(lookup.TargetId, NodeTable.BucketSize)) lookup.Add(node);
        while (_questions.Count < Parallel && lookup.Next(node => IsProven(node.Id, node.Udp, now)) is { } next)
        {
            _questions[next.Id] = new Question(next, now.Elapsed + Timeout);
            Send(next.Udp, new DiscoveryMessage.FindNode(lookup.Target) { Expiration = now.Unix + PacketLife });
        }
        if (_questions.Count == 0) _lookup = null;
    }

    private void ExpirePings(DiscoveryTime now)
    {
        foreach (var (hash, ping) in _pings.Where(p => p.Value.Until <= now.Elapsed).ToList())
        {
            _pings.Remove(hash);
            Failed(ping.Node);
        }
    }

    /// <summary>
    /// A node of the table that is silent three times in a row is not there any more. Silence at another endpoint than the known one
    /// says nothing: a packet can be replayed from anywhere.
    /// </summary>
    private void Failed(FoundNode node)
    {
        if (_table.Find(node.Id) is not { } known || !known.Udp.Equals(node.Udp)) return;
        var fails = _fails.GetValueOrDefault(node.Id) + 1;
        if (fails < MostFails)
        {
            _fails[node.Id] = fails;
            return;
        }
        _fails.Remove(node.Id);
        _proofs.Remove(node.Id);
        _table.Remove(node.Id);
    }

    private void CheckOne(DiscoveryTime now)
    {
        if (_toCheck.Count == 0)
            foreach (var node in _table.Nodes) _toCheck.Enqueue(node.Id);
        while (_toCheck.TryDequeue(out var id))
        {
            if (_table.Find(id) is not { } node) continue;
            SendPing(node, now);
            return;
        }
    }

    /// <param name="isBack">A stranger's ping brings it about.</param>
    private void SendPing(FoundNode to, DiscoveryTime now, bool isBack = false)
    {
        if (_pings.Count >= MaxPings || to.Udp.Port == 0 || !_isInNetwork(to.Udp.Address)) return;
        if (isBack && _pings.Values.Count(ping => ping.IsBack) >= MaxPingsBack) return;
        if (_pings.Values.Any(ping => ping.Node.Id == to.Id && ping.Node.Udp.Equals(to.Udp))) return;
        var ping = new DiscoveryMessage.Ping(_self, _tcpPort, to.Udp) { Expiration = now.Unix + PacketLife };
        var (packet, hash) = DiscoveryPacket.Encode(ping, _key);
        _pings[hash] = new Ping(to, now.Elapsed + Timeout, isBack);
        _out.Add(new Datagram(to.Udp, packet));
    }

    private void Send(IPEndPoint to, DiscoveryMessage message) => _out.Add(new Datagram(to, DiscoveryPacket.Encode(message, _key).Packet));

    private bool IsProven(in Hash256 id, IPEndPoint at, DiscoveryTime now) =>
        _proofs.TryGetValue(id, out var proof) && proof.At + ProofLife > now.Elapsed && proof.EndPoint.Equals(at);

    private sealed record Ping(FoundNode Node, TimeSpan Until, bool IsBack);

    private sealed record Proof(IPEndPoint EndPoint, TimeSpan At);

    private sealed class Question(FoundNode asked, TimeSpan until)
    {
        public FoundNode Asked => asked;

        public TimeSpan Until => until;

        public int Got { get; set; }
    }

    /// <summary>Asks the nearest that are known, and whoever they tell of, until none of the nearest is left unasked.</summary>
    private sealed class Lookup(byte[] target, Hash256 targetId, List<FoundNode> nearest)
    {
        private readonly HashSet<Hash256> _asked = [];

        public byte[] Target => target;

        public Hash256 TargetId => targetId;

        public void Add(FoundNode node)
        {
            if (nearest.Exists(known => known.Id == node.Id)) return;
            nearest.Add(node);
            nearest.Sort((a, b) => FoundNode.Nearer(targetId, a.Id, b.Id));
            if (nearest.Count > NodeTable.BucketSize) nearest.RemoveAt(nearest.Count - 1);
        }

        public FoundNode? Next(Func<FoundNode, bool> mayAsk)
        {
            var next = nearest.Find(node => !_asked.Contains(node.Id) && mayAsk(node));
            if (next is not null) _asked.Add(next.Id);
            return next;
        }
    }
}
