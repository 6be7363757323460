using QuorumMesh.Enclave.Core;

namespace QuorumMesh.Enclave;

/// <summary>Why the enclave has no keys to use, for callers and readiness; and, for metrics, how old their confirmation is.</summary>
internal sealed class KeyCustody(PayloadSealer sealer)
{
    private volatile string? _reason;
    private long _contact;

    /// <summary>Null while there are keys.</summary>
    public string? Problem => sealer.Ring.Keys.Count > 0 ? null : _reason ?? "no key is loaded";

    /// <summary>When a vault last confirmed the keys; null where none is in a vault, or none has yet.</summary>
    public DateTimeOffset? Contact
    {
        get => Interlocked.Read(ref _contact) is > 0 and var ticks ? new DateTimeOffset(ticks, TimeSpan.Zero) : null;
        set => Interlocked.Exchange(ref _contact, value?.UtcTicks ?? 0);
    }

    /// <summary>There are no keys now, for this reason.</summary>
    public void Wait(string reason) => _reason = reason;
}
