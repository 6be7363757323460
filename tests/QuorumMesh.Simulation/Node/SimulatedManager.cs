using QuorumMesh.Chain.Payloads;
using QuorumMesh.Node.Runtime;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Primitives;

namespace QuorumMesh.Simulation.Node;

/// <summary>A participant's transaction manager: durable, sometimes away, and some of its payloads come late.</summary>
internal sealed class SimulatedManager
{
    private readonly Dictionary<PayloadHash, Entry> _entries = [];
    private readonly List<PayloadHash> _arrivals = [];

    private long _sequence;

    public long DownUntil { get; set; }

    /// <summary>Until then it answers from an empty database.</summary>
    public long LostUntil { get; set; }

    /// <summary>Everything this participant is a party to, for the reference run.</summary>
    public IReadOnlyDictionary<PayloadHash, byte[]> Payloads => _entries.ToDictionary(e => e.Key, e => e.Value.Payload);

    public void Put(PayloadHash hash, byte[] payload)
    {
        if (_entries.TryAdd(hash, new Entry(payload, PayloadAvailability.Here))) _sequence++;
    }

    /// <summary>A payload that is not here yet; until <see cref="Arrive"/> the answer is the given one.</summary>
    public void PutLate(PayloadHash hash, byte[] payload, PayloadAvailability before) => _entries.TryAdd(hash, new Entry(payload, before));

    /// <returns>Its sequence number in the Watch stream, 0 when it was here already.</returns>
    public long Arrive(PayloadHash hash)
    {
        if (_entries[hash].Answer == PayloadAvailability.Here) return 0;
        _entries[hash] = _entries[hash] with { Answer = PayloadAvailability.Here };
        _arrivals.Add(hash);
        _sequence++;
        return _arrivals.Count;
    }

    public IEnumerable<(long Sequence, PayloadHash Hash)> ArrivalsAfter(long sequence)
    {
        for (var i = (int)sequence; i < _arrivals.Count; i++) yield return (i + 1, _arrivals[i]);
    }

    public PayloadAnswer Answer(PayloadHash hash, long now)
    {
        if (now < DownUntil) return PayloadAnswer.Unavailable(hash, "it is down");
        return (now < LostUntil ? PayloadAnswer.NotAParty(hash) : Answer(hash)) with { Database = DatabaseAt(now) };
    }

    /// <summary>To the node that had a payload sent.</summary>
    public PayloadAnswer Sent(PayloadHash hash, byte[] payload, long now) =>
        PayloadAnswer.Here(hash, payload) with { Database = DatabaseAt(now) };

    private ManagerDatabase DatabaseAt(long now) =>
        now < LostUntil ? new ManagerDatabase("empty", 0, 0) : new ManagerDatabase("own", _sequence, 0);

    private PayloadAnswer Answer(PayloadHash hash)
    {
        var entry = _entries.GetValueOrDefault(hash);
        return entry?.Answer switch
        {
            null or PayloadAvailability.NotAParty => PayloadAnswer.NotAParty(hash),
            PayloadAvailability.Here => PayloadAnswer.Here(hash, entry.Payload),
            PayloadAvailability.Missing => PayloadAnswer.Missing(hash),
            _ => PayloadAnswer.Unavailable(hash, "not here yet"),
        };
    }

    private sealed record Entry(byte[] Payload, PayloadAvailability Answer);
}
