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
    public ConcurrentDictionary<PayloadHash, byte[]> Payloads { get; } = new();

    public List<(PayloadHash Hash, IReadOnlyList<string> PrivateFor)> Distributed { get; } = [];

    /// <summary>Answers that say more than a payload.</summary>
    public ConcurrentDictionary<PayloadHash, PayloadAnswer> Answers { get; } = new();

    /// <summary>What was promised of each that was sent, or would have been.</summary>
    public List<SendPrivacy> Promised { get; } = [];

    /// <summary>Every send is refused with this; null refuses none.</summary>
    public string? Refuses { get; set; }

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
        return Task.FromResult(arguments.AnswerOf(hash));
    }

    public Task<PayloadHash> StoreRawAsync(byte[] payload, string? privateFrom, CancellationToken cancellation)
    {
        var hash = Sha3.HashPayload(payload);
        Payloads[hash] = payload;
        return Task.FromResult(hash);
    }

    public Task SendSignedAsync(PayloadHash hash, IReadOnlyList<string> privateFor, SendPrivacy privacy, CancellationToken cancellation)
    {
        Promised.Add(privacy);
        Check(privateFor);
        if (!Payloads.ContainsKey(hash)) throw new TransactionManagerException($"payload {hash} is not stored");
        Distributed.Add((hash, privateFor));
        return Task.CompletedTask;
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
