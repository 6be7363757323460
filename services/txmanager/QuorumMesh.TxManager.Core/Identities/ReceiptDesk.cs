using QuorumMesh.Contracts;
using QuorumMesh.Contracts.Identities;
using QuorumMesh.TxManager.Core.Keys;
using QuorumMesh.TxManager.Core.Ports;

namespace QuorumMesh.TxManager.Core.Identities;

/// <summary>
/// Our identity's receipts for what peers have pushed and this manager keeps. They are signed when the sender fetches them, many with one
/// signature: no push waits for one. What is noted is in memory alone; a push that is repeated is noted again.
/// </summary>
/// <param name="own">Null: our enclave can have no identity, and nothing is noted.</param>
/// <param name="storeId">Of our database, 32 hex digits.</param>
public sealed class ReceiptDesk(
    OwnIdentity? own, IEnclaveIdentity? enclave, OwnKeys ownKeys, Func<Task<string>> storeId, TimeProvider clock)
{
    /// <summary>Senders, by the names that they gave.</summary>
    private const int MaxSenders = 256;

    /// <summary>Payloads that are noted for all of them together; the sender that has not come for longest gives way.</summary>
    private const int MaxNoted = 65_536;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, Noted> _senders = [];
    private int _noted;
    private long _given;
    private Guid? _store;

    /// <summary>Payloads that receipts were given for.</summary>
    public long Given => Interlocked.Read(ref _given);

    /// <summary>Notes what is on disk.</summary>
    /// <param name="sender">The name that it gave, base64 of 32 bytes; null: it wants none.</param>
    /// <returns>How many were noted.</returns>
    public int Note(string? sender, IEnumerable<Delivery?> kept)
    {
        if (own?.Key is null || sender is null || !IsName(sender))
            return 0;
        lock (_gate)
        {
            var noted = 0;
            foreach (var delivery in kept.OfType<Delivery>())
            {
                if (_noted >= MaxNoted && !MakeRoom(sender))
                    break;
                Of(sender).Deliveries.Enqueue(delivery);
                noted++;
                _noted++;
            }

            return noted;
        }
    }

    /// <summary>Receipts for what was noted under a name: at most <see cref="ReceiptLists.MaxLists"/> lists.</summary>
    /// <exception cref="PrivacyException">The enclave cannot sign now; what was noted stays.</exception>
    public async Task<IReadOnlyList<byte[]>> FetchAsync(ReadOnlyMemory<byte> name, CancellationToken cancel)
    {
        if (name.Length != ReceiptLists.NameSize)
            throw new PrivacyException(
                Failure.BadRequest, $"The body must have {ReceiptLists.NameSize} bytes: the name given with the pushes");
        var sender = Convert.ToBase64String(name.Span);
        var lists = new List<byte[]>();
        var given = new List<Delivery>();
        while (lists.Count < ReceiptLists.MaxLists && Take(sender) is { Length: > 0 } some)
            try
            {
                // A key that the enclave has given up meanwhile signs for nothing.
                var ours = await ownKeys.ManagedAsync([.. some.Select(d => d.Recipient).Distinct()], cancel).ConfigureAwait(false);
                some = [.. some.Where(d => ours.Contains(d.Recipient))];
                if (some.Length > 0)
                    lists.Add(await SignAsync(some, cancel).ConfigureAwait(false));
                given.AddRange(some);
                // Nobody may be there any more to take them; the last look is after the last signature.
                cancel.ThrowIfCancellationRequested();
            }
            catch (Exception e)
            {
                if (e is PrivacyException && lists.Count > 0)
                {
                    Note(sender, some);
                    break;
                }

                Note(sender, given.Union(some));
                throw;
            }

        Interlocked.Add(ref _given, given.Count);
        return lists;
    }

    private static bool IsName(string text)
    {
        Span<byte> bytes = stackalloc byte[ReceiptLists.NameSize + 2];
        return text.Length == 44 && Convert.TryFromBase64String(text, bytes, out var length) && length == ReceiptLists.NameSize;
    }

    private Noted Of(string sender)
    {
        if (!_senders.TryGetValue(sender, out var noted))
        {
            if (_senders.Count >= MaxSenders)
                MakeRoom(sender);
            _senders[sender] = noted = new Noted();
        }

        noted.CameAt = clock.GetTimestamp();
        return noted;
    }

    /// <returns>False when there is no other sender.</returns>
    private bool MakeRoom(string sender)
    {
        var idle = _senders.Keys.Where(s => s != sender).MinBy(s => _senders[s].CameAt);
        if (idle is null)
            return false;
        _noted -= _senders[idle].Deliveries.Count;
        return _senders.Remove(idle);
    }

    private Delivery[] Take(string sender)
    {
        lock (_gate)
        {
            if (!_senders.TryGetValue(sender, out var noted))
                return [];
            var some = new List<Delivery>();
            while (some.Count < PushMany.MaxPayloads && noted.Deliveries.TryDequeue(out var next))
                some.Add(next);
            _noted -= some.Count;
            if (noted.Deliveries.Count == 0)
                _senders.Remove(sender);
            return [.. some.Distinct()];
        }
    }

    private async Task<byte[]> SignAsync(Delivery[] kept, CancellationToken cancel)
    {
        var identity = own?.Key ?? throw PrivacyException.Enclave("it has no identity");
        _store ??= Guid.ParseExact(await storeId().ConfigureAwait(false), "N");
        var now = DateTimeOffset.FromUnixTimeMilliseconds(clock.GetUtcNow().ToUnixTimeMilliseconds());
        var signature = await enclave!.SignReceiptsAsync(now, _store.Value, kept, cancel).ConfigureAwait(false);
        return new DeliveryReceipts(identity, now, _store.Value, kept, signature).Write();
    }

    private sealed class Noted
    {
        public Queue<Delivery> Deliveries { get; } = new();

        public long CameAt { get; set; }
    }
}
