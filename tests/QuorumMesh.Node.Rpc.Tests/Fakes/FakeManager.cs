using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using QuorumMesh.Chain.Payloads;
using QuorumMesh.Node.Runtime;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Rpc.Tests.Fakes;

/// <summary>Payloads in memory; a stranger to all others. A recipient must be a 32-byte key.</summary>
internal sealed class FakeManager : ITransactionManager
{
    private long _sealed;

    public ConcurrentDictionary<PayloadHash, byte[]> Payloads { get; } = new();

    public List<(PayloadHash Hash, IReadOnlyList<string> PrivateFor)> Distributed { get; } = [];

    /// <summary>Answers that say more than a payload.</summary>
    public ConcurrentDictionary<PayloadHash, PayloadAnswer> Answers { get; } = new();

    /// <summary>What was promised of each that was sent, or would have been.</summary>
    public List<SendPrivacy> Promised { get; } = [];

    /// <summary>Every send is refused with this; null refuses none.</summary>
    public string? Refuses { get; set; }

    /// <summary>Every send of a stored payload is refused with this; null refuses none.</summary>
    public string? RefusesSigned { get; set; }

    /// <summary>What was stored for a later send, in order.</summary>
    public List<byte[]> Stored { get; } = [];

    /// <summary>Recipients of the stored payload that was to be sent last.</summary>
    public IReadOnlyList<string> Asked { get; private set; } = [];

    /// <summary>Own key, base64.</summary>
    public string Key { get; init; } = Convert.ToBase64String(new byte[32]);

    /// <summary>Managers that get what they are recipients of; itself among them.</summary>
    public IReadOnlyList<FakeManager> Network { get; set; } = [];

    /// <summary>Recipients of what this one sent.</summary>
    public ConcurrentDictionary<PayloadHash, IReadOnlyList<string>> Participants { get; } = new();

    /// <summary>Own votes on contract extensions.</summary>
    public ConcurrentDictionary<PayloadHash, Address> Votes { get; } = new();

    public bool Enabled { get; set; } = true;

    public bool IsAway { get; set; }

    /// <summary>Answers that come at once: the rest is to be asked for again.</summary>
    public int MostAnswers { get; set; } = int.MaxValue;

    public Task<PayloadAnswer> SendAsync(SendArguments arguments, CancellationToken cancellation)
    {
        Promised.Add(arguments.Privacy);
        Check(arguments.PrivateFor);
        var hash = Sha3.HashPayload(arguments.Payload);
        Payloads[hash] = arguments.Payload;
        Distributed.Add((hash, arguments.PrivateFor));
        Deliver(arguments, hash);
        return Task.FromResult(arguments.AnswerOf(hash));
    }

    public Task<PayloadHash> StoreRawAsync(byte[] payload, string? privateFrom, CancellationToken cancellation)
    {
        var hash = Sha3.HashPayload(payload);
        Payloads[hash] = payload;
        Stored.Add(payload);
        return Task.FromResult(hash);
    }

    public Task SendSignedAsync(PayloadHash hash, IReadOnlyList<string> privateFor, SendPrivacy privacy, CancellationToken cancellation)
    {
        Promised.Add(privacy);
        Asked = privateFor;
        if (RefusesSigned is { } why) throw new TransactionManagerException(why);
        Check(privateFor);
        if (!Payloads.TryGetValue(hash, out var payload)) throw new TransactionManagerException($"payload {hash} is not stored");
        Distributed.Add((hash, privateFor));
        Deliver(new SendArguments(payload, null, privateFor) { Privacy = privacy }, hash);
        return Task.CompletedTask;
    }

    public Task<bool> IsSenderAsync(PayloadHash hash, CancellationToken cancellation) => Task.FromResult(IsSender(hash));

    public Task<IReadOnlyList<string>> ParticipantsAsync(PayloadHash hash, CancellationToken cancellation) =>
        Participants.TryGetValue(hash, out var keys) ? Task.FromResult(keys)
            : Task.FromException<IReadOnlyList<string>>(new TransactionManagerException($"payload {hash} is not known"));

    public Task<SealedPayload> SealAsync(byte[] payload, string? privateFrom, CancellationToken cancellation)
    {
        var nonce = Convert.ToBase64String([.. BitConverter.GetBytes(++_sealed), .. new byte[24 - sizeof(long)]]);
        return Task.FromResult(new SealedPayload(Key, Convert.ToBase64String(payload), nonce, [nonce + nonce], nonce, [Key]));
    }

    public Task<byte[]?> OpenAsync(SealedPayload payload, CancellationToken cancellation) =>
        Task.FromResult(payload.SenderKey == Key ? Convert.FromBase64String(payload.CipherText) : null);

    /// <summary>What a node's loop hears of a vote.</summary>
    public VoteAnswer VoteFor(PayloadHash hash)
    {
        if (Votes.TryGetValue(hash, out var management)) return VoteAnswer.Own(hash, management);
        return IsSender(hash) && Payloads.TryGetValue(hash, out var payload) && SealedPayload.Read(payload) is { } locked
            && locked.SenderKey == Key ? VoteAnswer.Own(hash, new Address(Convert.FromBase64String(locked.CipherText)))
            : VoteAnswer.Foreign(hash);
    }

    private bool IsSender(PayloadHash hash) => Participants.ContainsKey(hash)
        || (Answers.TryGetValue(hash, out var answer) && answer.SenderKey is { } sender
            && answer.ManagedParties.Any(key => key.AsSpan().SequenceEqual(sender)));

    private void Deliver(SendArguments arguments, PayloadHash hash)
    {
        if (Network.Count == 0) return;
        Participants[hash] = [.. arguments.PrivateFor.Append(Key).Distinct()];
        foreach (var manager in Network)
            if (Participants[hash].Contains(manager.Key))
                manager.Answers[hash] = arguments.AnswerOf(hash) with
                {
                    SenderKey = Convert.FromBase64String(Key),
                    ManagedParties = [Convert.FromBase64String(manager.Key)],
                };
    }

    public Task<byte[]?> ReceiveStoredAsync(PayloadHash hash, CancellationToken cancellation) =>
        Task.FromResult(Payloads.GetValueOrDefault(hash));

    public Task<IReadOnlyList<PayloadAnswer>> ReceiveAsync(IReadOnlyList<PayloadHash> hashes, CancellationToken cancellation) =>
        Task.FromResult<IReadOnlyList<PayloadAnswer>>(
            [.. hashes.Take(MostAnswers).Select(h => Answers.TryGetValue(h, out var whole) ? whole
                : IsAway ? PayloadAnswer.Unavailable(h, "the manager is away")
                : Payloads.TryGetValue(h, out var payload) ? PayloadAnswer.Here(h, payload)
                : PayloadAnswer.NotAParty(h, "no such payload"))]);

    public async IAsyncEnumerable<AvailablePayload> WatchAsync(long afterSequence, [EnumeratorCancellation] CancellationToken cancellation)
    {
        await Task.Delay(Timeout.Infinite, cancellation);
        yield break;
    }

    private void Check(IReadOnlyList<string> keys)
    {
        if (Refuses is { } why) throw new TransactionManagerException(why);
        foreach (var key in keys)
        {
            var bytes = new byte[64];
            if (!Convert.TryFromBase64String(key, bytes, out var length) || length != 32)
                throw new TransactionManagerException($"Non-200 status code: recipient '{key}' is no key");
        }
    }
}
