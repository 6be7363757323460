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
    private static readonly byte[] Locked = Sealed();

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

    /// <summary>
    /// What a NaCl manager would stumble over. Keys of another length are another encryption's, whose lengths are not known here.
    /// </summary>
    [Theory]
    [InlineData(32, 23, 48, 32, false)]
    [InlineData(32, 24, 47, 32, false)]
    [InlineData(32, 24, 48, 33, false)]
    [InlineData(91, 12, 60, 91, true)]
    public async Task What_has_lengths_that_no_manager_makes_is_not_ours(int sender, int nonce, int box, int key, bool isOurs)
    {
        var answer = await AskAsync(new FakeManager { Payload = Sealed(sender, nonce, box, key) });
        Assert.Equal(isOurs ? VoteAnswer.Own(Vote, Management) : VoteAnswer.Foreign(Vote), answer);
    }

    /// <summary>Tessera's 500, on which GoQuorum goes on: the private head must not wait for ever.</summary>
    [Fact]
    public async Task What_a_manager_stumbles_over_is_not_ours_while_it_has_the_votes_payload()
    {
        var stumbling = new FakeManager { OpenFault = new TransactionManagerException("500 status") { IsItsOwnFault = true } };
        Assert.Equal(VoteAnswer.Foreign(Vote), await AskAsync(stumbling));
        var goingAway = new FakeManager { OpenFault = stumbling.OpenFault, Answers = 1 };
        var unsettled = await AskAsync(goingAway);
        Assert.Equal((false, "500 status"), (unsettled.IsSettled, unsettled.Reason));
        Assert.False((await AskAsync(new FakeManager { OpenFault = new TransactionManagerException("it is away") })).IsSettled);
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

    private static byte[] Sealed(int sender = 32, int nonce = 24, int box = 48, int key = 32) =>
        new SealedPayload(Text(sender), Text(36), Text(nonce), [Text(box)], Text(nonce), [Text(key)]).ToJson();

    private static string Text(int bytes) => Convert.ToBase64String(new byte[bytes]);

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

        public TransactionManagerException? OpenFault { get; init; }

        /// <summary>How many questions for the payload find it.</summary>
        public int Answers { get; set; } = int.MaxValue;

        public Task<byte[]?> OpenAsync(SealedPayload payload, CancellationToken cancellation) =>
            OpenFault is null ? Task.FromResult(Opened) : Task.FromException<byte[]?>(OpenFault);

        public Task<IReadOnlyList<PayloadAnswer>> ReceiveAsync(IReadOnlyList<PayloadHash> hashes, CancellationToken cancellation) =>
            Task.FromResult<IReadOnlyList<PayloadAnswer>>(
                [Payload is null || Answers-- <= 0 ? PayloadAnswer.NotAParty(hashes[0]) : PayloadAnswer.Here(hashes[0], Payload)]);

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
