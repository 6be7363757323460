using System.Runtime.CompilerServices;
using QuorumMesh.Chain.Payloads;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Runtime.Tests;

/// <summary>How it is found out whether a vote on a contract extension is this participant's.</summary>
public sealed class VoteAnswerTests
{
    private static readonly PayloadHash Vote = Sha3.HashPayload("a vote"u8);
    private static readonly Address Management = Address.Parse("0x00000000000000000000000000000000000000d0");
    private static readonly byte[] Locked = new SealedPayload("AQ==", "Ag==", "Aw==", ["BA=="], "BQ==", ["AQ=="]).ToJson();

    [Fact]
    public async Task What_our_manager_sent_and_opens_is_ours() =>
        Assert.Equal(VoteAnswer.Own(Vote, Management), await AskAsync(new FakeManager()));

    [Fact]
    public async Task What_another_sent_is_not_ours() =>
        Assert.Equal(VoteAnswer.Foreign(Vote), await AskAsync(new FakeManager { IsSender = false }));

    [Fact]
    public async Task What_does_not_open_to_an_address_is_not_ours()
    {
        Assert.Equal(VoteAnswer.Foreign(Vote), await AskAsync(new FakeManager { Opened = null }));
        Assert.Equal(VoteAnswer.Foreign(Vote), await AskAsync(new FakeManager { Opened = [1, 2] }));
        Assert.Equal(VoteAnswer.Foreign(Vote), await AskAsync(new FakeManager { Payload = "no sealed payload"u8.ToArray() }));
        Assert.Equal(VoteAnswer.Foreign(Vote), await AskAsync(new FakeManager { Payload = "[1]"u8.ToArray() }));
    }

    /// <summary>One that was replaced says that it did not send: believed, the shared state would be passed over for good.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_manager_without_the_payload_settles_nothing(bool isSender) =>
        Assert.False((await AskAsync(new FakeManager { IsSender = isSender, Payload = null })).IsSettled);

    [Fact]
    public async Task A_manager_that_is_away_settles_nothing()
    {
        var answer = await AskAsync(new FakeManager { Failure = "it is down" });
        Assert.Equal((false, "it is down"), (answer.IsSettled, answer.Reason));
    }

    private static async Task<VoteAnswer> AskAsync(FakeManager manager)
    {
        var posted = new TaskCompletionSource<NodeInput>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var fetcher = new PayloadFetcher(manager, posted.TrySetResult, TimeProvider.System, TaskScheduler.Default);
        fetcher.FetchVotes([Vote], CancellationToken.None);
        return ((NodeInput.VoteAnswered)await posted.Task.WaitAsync(TimeSpan.FromSeconds(60))).Answer;
    }

    private sealed class FakeManager : ITransactionManager
    {
        public bool Enabled => true;

        public bool IsSender { get; init; } = true;

        public byte[]? Payload { get; init; } = Locked;

        public byte[]? Opened { get; init; } = Management.ToArray();

        public string? Failure { get; init; }

        public Task<bool> IsSenderAsync(PayloadHash hash, CancellationToken cancellation) =>
            Failure is null ? Task.FromResult(IsSender) : throw new TransactionManagerException(Failure);

        public Task<byte[]?> OpenAsync(SealedPayload payload, CancellationToken cancellation) => Task.FromResult(Opened);

        public Task<IReadOnlyList<PayloadAnswer>> ReceiveAsync(IReadOnlyList<PayloadHash> hashes, CancellationToken cancellation) =>
            Task.FromResult<IReadOnlyList<PayloadAnswer>>(
                [Payload is null ? PayloadAnswer.NotAParty(hashes[0]) : PayloadAnswer.Here(hashes[0], Payload)]);

        public Task<PayloadAnswer> SendAsync(SendArguments arguments, CancellationToken cancellation) => throw new NotSupportedException();

        public Task<PayloadHash> StoreRawAsync(byte[] payload, string? privateFrom, CancellationToken cancellation) =>
            throw new NotSupportedException();

        public Task SendSignedAsync(
            PayloadHash hash, IReadOnlyList<string> privateFor, SendPrivacy privacy, CancellationToken cancellation) =>
            throw new NotSupportedException();

        public async IAsyncEnumerable<AvailablePayload> WatchAsync(long afterSequence,
            [EnumeratorCancellation] CancellationToken cancellation)
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, cancellation);
            yield break;
        }
    }
}
