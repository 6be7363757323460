using QuorumMesh.Primitives;

namespace QuorumMesh.Consensus.Bft;

/// <summary>What is known of the other validators' presence: who is connected, who was heard last with what.</summary>
internal sealed class BftPeers
{
    private readonly Dictionary<Address, Heard> _heard = [];
    private IReadOnlySet<Address> _connected = new HashSet<Address>();

    public bool IsConnected(Address validator) => _connected.Contains(validator);

    public Heard? Last(Address validator) => _heard.GetValueOrDefault(validator);

    /// <summary>Those that were not connected before.</summary>
    public IReadOnlyList<Address> Connect(IReadOnlySet<Address> connected)
    {
        var added = connected.Where(a => !_connected.Contains(a)).Order().ToList();
        // What was heard before a connection broke says nothing about now: it must come again, by way of others.
        foreach (var (validator, heard) in _heard.ToArray())
            if (_connected.Contains(validator) && !connected.Contains(validator)) _heard[validator] = heard with { At = null };
        _connected = connected.ToHashSet();
        return added;
    }

    /// <summary>A message by a validator, of whatever view.</summary>
    public void Hear(BftMessage message, TimeSpan now)
    {
        var highest = Math.Max(message.View.Sequence, _heard.GetValueOrDefault(message.Sender)?.HighestSequence ?? 0);
        _heard[message.Sender] = new Heard(now, message.Kind, message.View, highest);
    }

    /// <summary>Connected, or heard by way of others not long ago.</summary>
    public bool IsReachable(Address validator, TimeSpan now, TimeSpan recently) =>
        IsConnected(validator) || (_heard.GetValueOrDefault(validator)?.At is { } at && now - at <= recently);

    /// <summary>Forgets who is no validator any more.</summary>
    public void Keep(BftValidators validators)
    {
        foreach (var address in _heard.Keys.Where(a => !validators.Contains(a)).ToArray()) _heard.Remove(address);
    }

    /// <param name="At">Null when its connection has broken since.</param>
    /// <param name="HighestSequence">Of all its messages.</param>
    public sealed record Heard(TimeSpan? At, string Kind, BftView View, ulong HighestSequence);
}
