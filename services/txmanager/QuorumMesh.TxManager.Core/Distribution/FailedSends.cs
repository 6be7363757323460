using System.Security.Cryptography;
using QuorumMesh.Contracts;
using QuorumMesh.Contracts.Payloads;

namespace QuorumMesh.TxManager.Core.Distribution;

/// <summary>
/// Payloads whose send failed, sealed as they were sent: some recipients may have stored them, and a client that tries again with the same
/// payload gets the same hash, so that those rows are no orphans. Each is used once; what was sent is never kept. Bounded, in memory, for
/// ten minutes. Thread safe.
/// </summary>
public sealed class FailedSends(TimeProvider clock)
{
    private const int MaxCount = 256;
    private const long MaxBytes = 64L * 1024 * 1024;

    private static readonly TimeSpan Kept = TimeSpan.FromMinutes(10);

    private readonly Lock _gate = new();
    private readonly Dictionary<string, Entry> _entries = [];
    private long _bytes;

    /// <summary>What a send is known by: its sender, its recipients in their order, and digests of its payload and promises.</summary>
    public static string NameOf(
        ReadOnlySpan<byte> payload, PublicKey sender, IReadOnlyList<PublicKey> recipients, PrivacyOptions privacy) =>
        $"{Convert.ToHexStringLower(SHA256.HashData(payload))} {sender} {string.Join(' ', recipients)} {privacy.Digest()}";

    /// <returns>Null when there is none; else it is gone from here.</returns>
    public EncodedPayload? Take(string name)
    {
        lock (_gate)
        {
            Forget();
            return Remove(name)?.Payload;
        }
    }

    /// <summary>Keeps a payload; the oldest ones make room, and one that is larger than all the room is not kept.</summary>
    public void Keep(string name, EncodedPayload payload)
    {
        lock (_gate)
        {
            Forget();
            Remove(name);
            if (payload.CipherText.Length > MaxBytes)
                return;
            _entries[name] = new Entry(payload, clock.GetTimestamp());
            _bytes += payload.CipherText.Length;
            while (_entries.Count > MaxCount || _bytes > MaxBytes)
                Remove(_entries.MinBy(e => e.Value.Since).Key);
        }
    }

    private void Forget()
    {
        foreach (var name in _entries.Where(e => clock.GetElapsedTime(e.Value.Since) >= Kept).Select(e => e.Key).ToArray())
            Remove(name);
    }

    private Entry? Remove(string name)
    {
        if (!_entries.Remove(name, out var entry))
            return null;
        _bytes -= entry.Payload.CipherText.Length;
        return entry;
    }

    private sealed record Entry(EncodedPayload Payload, long Since);
}
