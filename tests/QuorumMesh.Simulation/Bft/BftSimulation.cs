using System.Text;
using QuorumMesh.Consensus.Bft;
using QuorumMesh.Primitives;

namespace QuorumMesh.Simulation.Bft;

/// <summary>Validators on a virtual clock and a network that loses, doubles, delays, reorders and parts, all from one seed.</summary>
internal sealed class BftSimulation
{
    private static readonly byte[][] Keys = [.. Enumerable.Range(1, 10).Select(i => Keccak.Hash([(byte)i]).ToArray())];

    private readonly PriorityQueue<Action, (long Time, int Order)> _events = new();
    private readonly Dictionary<Hash256, BftMessage?> _read = [];
    private readonly HashSet<(int From, int To)> _cut = [];
    private readonly Random _random;
    private readonly BftShape _shape;
    private readonly FaultPlan _plan;
    private readonly List<SimulatedValidator> _honest = [];
    private readonly List<LyingValidator> _liars = [];
    private readonly Address[] _addresses;
    private int _order;
    private ulong _salt;

    /// <param name="plan">Null for all kinds of faults.</param>
    public BftSimulation(int seed, BftShape shape, FaultPlan? plan = null)
    {
        (_random, _shape, _plan) = (new Random(seed), shape, plan ?? FaultPlan.Of(0));
        var identities = Keys.Take(shape.Size).Select(IdentityOf).ToArray();
        _addresses = [.. identities.Select(i => i.Address)];
        Checks = new BftChecks(shape, _addresses);
        var liars = shape.Liars ? shape.FaultTolerance : 0;
        for (var i = 0; i < shape.Size; i++)
        {
            var random = new Random(_random.Next());
            var isOurs = !shape.IsMixed || i % 2 == 0;
            if (i < shape.Size - liars)
                _honest.Add(new SimulatedValidator(i, identities[i], this, random, isOurs, shape.IsRestless && !isOurs));
            else _liars.Add(new LyingValidator(i, identities[i], this, random));
        }
        foreach (var validator in _honest) validator.Start();
        foreach (var liar in _liars) liar.Start();
    }

    public SimulatedBlocks Blocks { get; } = new();

    public BftChecks Checks { get; }

    public BftProtocol Protocol => _shape.Protocol;

    public IReadOnlyList<Address> Addresses => _addresses;

    /// <summary>Virtual ms.</summary>
    public long Now { get; private set; }

    public bool IsFaulty { get; private set; } = true;

    /// <summary>Validators may end in the middle of what they do.</summary>
    public bool MayCrash => IsFaulty && _plan.Crashes;

    public int Crashes { get; private set; }

    public long Delivered { get; private set; }

    private ulong Highest => _honest.Max(v => v.Height);

    /// <summary>Faults for so long.</summary>
    public void Run(long ms)
    {
        Fault();
        RunUntil(Now + ms, () => false);
    }

    /// <summary>
    /// All faults end but the liars, and the loss of a validator in restless networks: within the bound every honest validator decides two
    /// more blocks.
    /// </summary>
    /// <returns>How long it took, ms.</returns>
    public long HealAndDecide()
    {
        IsFaulty = false;
        _cut.Clear();
        foreach (var validator in _honest.Where(v => !v.IsUp).ToArray()) validator.Start();
        var lost = _shape.IsRestless ? _honest.Last(v => !v.IsOurs) : null;
        lost?.Crash();
        PeersChange();
        var (began, target) = (Now, Highest + 2);
        if (!RunUntil(Now + _shape.LivenessBound, () => _honest.All(v => v.Height >= target || v == lost)))
            throw new BftSafetyException($"no {target} within {_shape.LivenessBound} ms after the faults:\n{Describe()}");
        return Now - began;
    }

    public void Schedule(long delay, Action action) => _events.Enqueue(action, (Now + Math.Max(delay, 0), _order++));

    public IReadOnlySet<Address> ConnectedTo(int index)
    {
        var others = Enumerable.Range(0, _shape.Size).Where(i => i != index && IsUp(i) && IsUp(index));
        return others.Where(i => !(_cut.Contains((index, i)) && _cut.Contains((i, index)))).Select(i => _addresses[i]).ToHashSet();
    }

    /// <summary>Connections have changed; each validator notices in its own time.</summary>
    public void PeersChange()
    {
        foreach (var validator in _honest) Schedule(_random.Next(10, IsFaulty ? 900 : 100), validator.HearPeers);
    }

    public BftHeight HeightAfter(IReadOnlyList<SimulatedBlock> chain, bool isOurs) => new()
    {
        Sequence = (ulong)chain.Count + 1,
        Protocol = _shape.Protocol,
        Validators = _addresses,
        LastProposer = chain.Count == 0 ? null : chain[^1].Maker,
        Parent = chain.Count == 0 ? default : chain[^1].ToProposal().Digest,
        RequestTimeout = TimeSpan.FromMilliseconds(BftShape.RequestTimeout),
        MaxRequestTimeout = isOurs ? TimeSpan.FromMilliseconds(BftShape.LongestRound) : null,
    };

    /// <summary>The longest chain, for those who know everything.</summary>
    public IReadOnlyList<SimulatedBlock> LongestChain => _honest.MaxBy(v => v.Height)!.Chain;

    public SimulatedBlock NewBlock(IReadOnlyList<SimulatedBlock> chain, Address maker) =>
        new((ulong)chain.Count + 1, chain.Count == 0 ? default : chain[^1].ToProposal().Digest, maker, ++_salt);

    public void Transmit(int from, BftEffect.Send send)
    {
        if (Read(send.Code, send.Payload) is not { } message)
            throw new BftSafetyException($"{_addresses[from]} sends what cannot be read");
        // Others' messages are passed on as well.
        if (message.Sender == _addresses[from]) Checks.Sent(message.Sender, message);
        foreach (var to in send.To) Transmit(from, Array.IndexOf(_addresses, to), send.Code, send.Payload);
    }

    public void Transmit(int from, int to, int code, byte[] payload)
    {
        if (IsFaulty && _random.Next(12) == 0 && _plan.Loses) return;
        for (var copies = IsFaulty && _random.Next(20) == 0 && _plan.Copies ? 2 : 1; copies > 0; copies--)
            Schedule(Delay(), () => Deliver(from, to, code, payload));
    }

    /// <summary>A new block goes to everybody that is connected.</summary>
    public void Announce(int from, SimulatedBlock block)
    {
        foreach (var validator in _honest.Where(v => v.Index != from))
            if (!(IsFaulty && _random.Next(4) == 0))
                Schedule(Delay(), () =>
                {
                    if (Reaches(from, validator.Index)) validator.Import(block);
                });
    }

    /// <summary>Blocks of some other validator that can be asked.</summary>
    public void SyncFrom(SimulatedValidator behind)
    {
        var others = _honest
            .Where(v => v != behind && v.IsUp && Reaches(v.Index, behind.Index) && Reaches(behind.Index, v.Index)).ToArray();
        if (others.Length == 0) return;
        var other = others[_random.Next(others.Length)];
        for (var blocks = 5; blocks > 0 && behind.IsUp && behind.Height < other.Height; blocks--)
            behind.Import(other.Chain[(int)behind.Height]);
    }

    public void RestartLater(SimulatedValidator validator)
    {
        Crashes++;
        Schedule(_random.Next(1, 6000), () =>
        {
            if (!validator.IsUp) validator.Start();
        });
    }

    public string Describe()
    {
        var text = new StringBuilder();
        foreach (var validator in _honest)
        {
            text.AppendLine($"{validator.Index} {validator.Address} head {validator.Height} {(validator.IsUp ? "" : "down")}");
            if (validator.Explain() is not { } state) continue;
            text.AppendLine($"  {state.View} proposer {Array.IndexOf(_addresses, state.Proposer)} locked {state.Locked} in "
                + $"{state.LockedIn} ends in {state.RoundEndsIn}: {string.Join("; ", state.Reasons)}");
            foreach (var other in state.Validators)
                text.AppendLine($"    {Array.IndexOf(_addresses, other.Validator)} connected {other.IsConnected} {other.LastKind} "
                    + $"{other.LastView} {other.HeardAgo} wants {other.RoundChange}");
        }
        return text.ToString();
    }

    private static BftIdentity IdentityOf(byte[] key) =>
        new(Secp256k1.AddressOf(Secp256k1.PublicKey(key)), hash => Secp256k1.Sign(key, hash.Bytes));

    private bool RunUntil(long end, Func<bool> isDone)
    {
        while (_events.TryPeek(out _, out var at) && at.Time <= end)
        {
            var action = _events.Dequeue();
            Now = at.Time;
            action();
            if (isDone()) return true;
        }
        Now = end;
        return false;
    }

    /// <summary>Each message is read once, however many hear it: signatures cost the most.</summary>
    private BftMessage? Read(int code, byte[] payload)
    {
        var id = Keccak.Hash([(byte)code, .. payload]);
        if (!_read.TryGetValue(id, out var message))
            _read[id] = message = BftWire.TryRead(code, payload, out var found, out _) ? found : null;
        return message;
    }

    private void Deliver(int from, int to, int code, byte[] payload)
    {
        if (!Reaches(from, to) || !IsUp(from) || !IsUp(to) || Read(code, payload) is not { } message) return;
        Delivered++;
        if (to < _honest.Count) _honest[to].Hear(message, _addresses[from]);
        else _liars[to - _honest.Count].Hear(message);
    }

    private bool IsUp(int index) => index >= _honest.Count || _honest[index].IsUp;

    private bool Reaches(int from, int to) => !_cut.Contains((from, to));

    private int Delay()
    {
        var (isLong, most) = (_random.Next(IsFaulty ? 12 : 100) == 0, IsFaulty && _plan.Delays ? 2500 : 200);
        return isLong ? _random.Next(30, most) : _random.Next(1, 30);
    }

    /// <summary>Something breaks or is mended, again and again.</summary>
    private void Fault()
    {
        if (!IsFaulty) return;
        switch (_random.Next(6))
        {
            case 0 or 1:
                if (_plan.Parts) Part();
                break;
            case 2: _cut.Clear(); break;
            default:
                var victim = _honest[_random.Next(_honest.Count)];
                if (!victim.IsUp || !_plan.Crashes) break;
                victim.Crash();
                RestartLater(victim);
                break;
        }
        PeersChange();
        Schedule(_random.Next(200, 5000), Fault);
    }

    /// <summary>Two sides that do not hear each other, or one of them not the other; or a single validator that is not heard.</summary>
    private void Part()
    {
        _cut.Clear();
        var side = Enumerable.Range(0, _shape.Size).Select(_ => _random.Next(2)).ToArray();
        if (_random.Next(3) == 0) side = [.. side.Select((_, i) => i == _random.Next(_shape.Size) ? 1 : 0)];
        var oneWay = _random.Next(3) == 0;
        for (var from = 0; from < _shape.Size; from++)
            for (var to = 0; to < _shape.Size; to++)
                if (side[from] != side[to] && (!oneWay || side[from] == 0)) _cut.Add((from, to));
    }
}
