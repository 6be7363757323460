using System.Collections.Concurrent;
using QuorumMesh.Contracts.Payloads;
using QuorumMesh.Primitives;
using QuorumMesh.TxManager.Core.Ports;

namespace QuorumMesh.TxManager.Core.Distribution;

/// <summary>
/// Takes what peers give back while this manager recovers (tessera 9.2). Tessera stages all of it and sorts it afterwards; here each
/// payload is stored by the rules of a push as it comes, and one that builds on another that is not here yet is left for the next round, in
/// which the peers are asked again: nothing but the store itself has to survive a kill. Thread safe.
/// </summary>
public sealed class RecoveryIntake(PushReceiver receiver, IPayloadStore store)
{
    /// <summary>Payloads that are stored at once, so that they share commits.</summary>
    private const int MaxAtOnce = 128;

    /// <summary>Of those at once, in bytes; a longer one is alone.</summary>
    private const int MaxBytesAtOnce = 4 * 1024 * 1024;

    private const int MaxToldRefusals = 20;

    /// <summary>Of payloads that were refused: what builds on them need not wait for them.</summary>
    private const int MaxRefusedHashes = 100_000;

    private readonly ConcurrentDictionary<PayloadHash, bool> _refusedHashes = [];
    private long _taken;
    private long _refused;
    private long _deferred;

    /// <summary>A payload was refused: a line for the log. Called on the thread of a request.</summary>
    public event Action<string>? Told;

    /// <summary>Payloads that came in this round and are in the store, whether they were before or not.</summary>
    public long Taken => Interlocked.Read(ref _taken);

    /// <summary>Payloads that cannot be stored: no key of ours opens them, or they contradict what is stored or build
    /// on what is not here.</summary>
    public long Refused => Interlocked.Read(ref _refused);

    /// <summary>Payloads that were left for the next round.</summary>
    public long Deferred => Interlocked.Read(ref _deferred);

    /// <summary>Payloads that build on others which nobody gave back are stored all the same.</summary>
    public bool IsLastRound { get; set; }

    /// <summary>A round begins, in which everything is given back again.</summary>
    public void BeginRound()
    {
        Interlocked.Exchange(ref _taken, 0);
        Interlocked.Exchange(ref _refused, 0);
        Interlocked.Exchange(ref _deferred, 0);
    }

    /// <summary>Stores a batch; a payload that is refused does not hold up the others.</summary>
    /// <exception cref="Contracts.WireFormatException">One of them is no payload; none was stored.</exception>
    /// <exception cref="PrivacyException">Store or enclave are away, or there is no room: the batch is to be sent again.</exception>
    public async Task TakeAsync(IReadOnlyList<byte[]> encoded, PayloadRoom room, CancellationToken cancel)
    {
        Given[] given = [.. encoded.Select(bytes => new Given(bytes, LegacyPayloadCodec.Decode(bytes)))];
        for (var next = 0; next < given.Length;)
        {
            var (first, length) = (next, 0L);
            while (next < given.Length && next - first < MaxAtOnce
                && (next == first || length + given[next].Bytes.Length <= MaxBytesAtOnce))
                length += given[next++].Bytes.Length;
            var some = given[first..next];
            await Task.WhenAll(some.Where(g => !g.BuildsOnOthers).Select(g => StoreAsync(g, room, cancel))).ConfigureAwait(false);
            // In their order, which is that of time: they may build on each other.
            foreach (var one in some.Where(g => g.BuildsOnOthers))
                if (IsLastRound || await HasAffectedAsync(one.Payload, cancel).ConfigureAwait(false))
                    await StoreAsync(one, room, cancel).ConfigureAwait(false);
                else
                    Interlocked.Increment(ref _deferred);
        }
    }

    /// <summary>A single push of a peer that knows no batches (tessera 2.5).</summary>
    /// <exception cref="PrivacyException">It is refused; <see cref="Failure.Forbidden"/> for what is not standard private.</exception>
    public async Task<PayloadHash> TakeOneAsync(ReadOnlyMemory<byte> encoded, PayloadRoom room, CancellationToken cancel)
    {
        var payload = CborPayloadCodec.Begins(encoded.Span) ? CborPayloadCodec.Decode(encoded) : LegacyPayloadCodec.Decode(encoded.Span);
        if (payload.PrivacyMode != PrivacyMode.StandardPrivate)
            throw new PrivacyException(
                Failure.Forbidden, "Transactions with enhanced privacy are not accepted during recovery mode");
        var (hash, isKept, _) = await receiver.TryStoreAsync(encoded, room, cancel).ConfigureAwait(false);
        Count(hash, isKept);
        return hash;
    }

    private async Task StoreAsync(Given given, PayloadRoom room, CancellationToken cancel)
    {
        try
        {
            var (hash, isKept, _) = await receiver.TryStoreAsync(given.Bytes, room, cancel).ConfigureAwait(false);
            Count(hash, isKept);
        }
        catch (PrivacyException e) when (IsOfPayload(e.Failure))
        {
            Refuse(given.Payload.ComputeHash(), e.Message);
        }
    }

    private void Count(PayloadHash hash, bool isKept)
    {
        if (isKept)
            Interlocked.Increment(ref _taken);
        else
            // Acknowledged as every push is; but what is not here is not recovered.
            Refuse(hash, "it does not fit what is stored here of the transactions that it builds on");
    }

    private void Refuse(PayloadHash hash, string reason)
    {
        if (_refusedHashes.Count < MaxRefusedHashes && _refusedHashes.TryAdd(hash, true) && _refusedHashes.Count <= MaxToldRefusals)
            Told?.Invoke($"The payload {hash.ToBase64()} was given back and cannot be stored: {reason}");
        Interlocked.Increment(ref _refused);
    }

    /// <summary>Whether it is the payload's own fault; else the whole batch is to come again.</summary>
    private static bool IsOfPayload(Failure failure) => failure is Failure.BadRequest or Failure.TooLarge or Failure.Forbidden
        or Failure.KeyNotFound or Failure.NotFound or Failure.NoSuitableKey or Failure.InvalidPayload or Failure.Missing;

    private async Task<bool> HasAffectedAsync(EncodedPayload payload, CancellationToken cancel)
    {
        foreach (var affected in payload.AffectedTransactions.Where(a => !_refusedHashes.ContainsKey(a.Hash)))
        {
            try
            {
                if (await store.FindAsync(affected.Hash, cancel).ConfigureAwait(false) is null)
                    return false;
            }
            catch (PrivacyException e) when (e.Failure == Failure.Damaged)
            {
                return false;
            }
        }

        return true;
    }

    private sealed record Given(byte[] Bytes, EncodedPayload Payload)
    {
        public bool BuildsOnOthers => Payload.AffectedTransactions.Count > 0;
    }
}
