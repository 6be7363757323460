using Microsoft.Extensions.Time.Testing;
using QuorumMesh.Contracts;
using QuorumMesh.Contracts.Payloads;
using QuorumMesh.Primitives;
using QuorumMesh.Tests.Shared.Managers;
using QuorumMesh.TxManager.Core.Distribution;

namespace QuorumMesh.TxManager.Core.Tests.Distribution;

public sealed class RecentPayloadsTests
{
    private static readonly PublicKey Owner = new([.. Enumerable.Repeat((byte)5, 32)]);

    private readonly FakeTimeProvider _clock = new();
    private readonly RecentPayloads _recent;

    public RecentPayloadsTests() => _recent = new RecentPayloads(_clock);

    [Fact]
    public void Is_kept_for_some_seconds()
    {
        _recent.Keep(Hash(1), Payload(3));
        Assert.Equal(3, _recent.Find(Hash(1))!.Payload.Length);
        Assert.Null(_recent.Find(Hash(2)));
        _clock.Advance(TimeSpan.FromSeconds(9));
        _recent.Keep(Hash(2), Payload(3));
        Assert.NotNull(_recent.Find(Hash(1)));
        _clock.Advance(TimeSpan.FromSeconds(2));
        Assert.Null(_recent.Find(Hash(1)));
        Assert.NotNull(_recent.Find(Hash(2)));
    }

    [Fact]
    public void One_that_came_in_parts_is_looked_up_in_its_row()
    {
        _recent.Keep(Hash(1), Payload(3));
        _recent.Keep(Hash(1), Payload(3));
        Assert.Null(_recent.Find(Hash(1)));
        _recent.Keep(Hash(1), Payload(3));
        Assert.Null(_recent.Find(Hash(1)));
    }

    [Fact]
    public void What_is_dropped_is_not_found()
    {
        _recent.Keep(Hash(1), Payload(3));
        _recent.Drop(Hash(1));
        _recent.Drop(Hash(2));
        Assert.Null(_recent.Find(Hash(1)));
    }

    [Fact]
    public void Long_ones_are_not_kept_and_the_oldest_make_room()
    {
        _recent.Keep(Hash(1), Payload(64 * 1024 + 1));
        Assert.Null(_recent.Find(Hash(1)));
        for (var i = 0; i < 200; i++)
            // With its key as long as may be.
            _recent.Keep(Hash(i), Payload((64 * 1024) - 64));
        Assert.Equal(128, Enumerable.Range(0, 200).Count(i => _recent.Find(Hash(i)) is not null));
        Assert.NotNull(_recent.Find(Hash(199)));
        Assert.Null(_recent.Find(Hash(0)));
    }

    [Fact]
    public void What_is_sent_beside_a_payload_counts_as_well()
    {
        var envelope = new EncodedPayload
        {
            SenderKey = Owner,
            CipherText = [],
            CipherTextNonce = [],
            RecipientBoxes = [],
            RecipientNonce = [],
        };
        EncodedPayload[] large =
        [
            envelope with { ExecutionHash = new byte[64 * 1024] },
            envelope with { PrivacyGroupId = new byte[64 * 1024] },
            envelope with { MandatoryRecipients = [.. Enumerable.Repeat(Owner, 1024)] },
            envelope with { AffectedTransactions = [.. Enumerable.Repeat(new AffectedTransaction(Hash(1), new byte[64]), 512)] },
        ];
        for (var i = 0; i < large.Length; i++)
            _recent.Keep(Hash(i), Payload(1) with { Envelope = large[i] });
        Assert.Equal(0, _recent.Count);
        _recent.Keep(Hash(9), Payload(1) with { Envelope = envelope with { ExecutionHash = new byte[1024] } });
        Assert.NotNull(_recent.Find(Hash(9)));
    }

    [Fact]
    public async Task Nothing_stays_when_nobody_asks()
    {
        for (var i = 0; i < 2; i++)
        {
            _recent.Keep(Hash(i), Payload(3));
            await Wait.UntilAsync(() =>
            {
                _clock.Advance(TimeSpan.FromSeconds(5));
                return Task.FromResult(_recent.Count == 0);
            }, "it is forgotten");
        }
    }

    private static ReceivedPayload Payload(int length) => new(new byte[length], null, Owner, [Owner], false);

    private static PayloadHash Hash(int number)
    {
        var bytes = new byte[PayloadHash.Size];
        BitConverter.TryWriteBytes(bytes, number);
        return new PayloadHash(bytes);
    }
}
