using QuorumMesh.Contracts;
using QuorumMesh.Contracts.Payloads;
using QuorumMesh.Primitives;
using QuorumMesh.TxManager.Core.Distribution;
using QuorumMesh.TxManager.Core.Keys;
using QuorumMesh.TxManager.Core.Ports;
using SampleKeys = QuorumMesh.Tests.Shared.Managers.Keys;

namespace QuorumMesh.TxManager.Core.Tests;

/// <summary>What becomes of a key that a rotation has retired, for those who still name it.</summary>
public sealed class OwnKeysTests
{
    [Fact]
    public async Task A_rotated_key_is_announced_still_and_its_successor_sends_for_it()
    {
        var enclave = new ChangingEnclave(new EnclaveKeys([SampleKeys.S], [], []));
        var keys = new OwnKeys(enclave, []);
        var changes = 0;
        keys.Changed += () => changes++;
        Assert.Equal(SampleKeys.S, await keys.SenderAsync(SampleKeys.S, default));
        await Assert.ThrowsAsync<PrivacyException>(async () => await keys.SenderAsync(SampleKeys.R, default));

        enclave.Now = new EnclaveKeys([SampleKeys.R], [SampleKeys.S], [])
        {
            Successors = new Dictionary<PublicKey, PublicKey> { [SampleKeys.S] = SampleKeys.R },
        };
        await keys.RefreshAsync(default);
        Assert.Equal(2, changes);
        Assert.Equal(SampleKeys.R, await keys.SenderAsync(SampleKeys.S, default));
        Assert.Equal(SampleKeys.R, await keys.DefaultAsync(default));
        Assert.Equal([SampleKeys.R], await keys.ActiveAsync(default));
        Assert.Equal([SampleKeys.R, SampleKeys.S], await keys.AnnouncedAsync(default));
        Assert.True(await keys.OwnsAsync(SampleKeys.S, default));
    }

    [Fact]
    public async Task A_key_that_was_retired_without_a_successor_is_neither_announced_nor_a_sender()
    {
        var keys = new OwnKeys(new ChangingEnclave(new EnclaveKeys([SampleKeys.R], [SampleKeys.S], [])), []);
        Assert.Equal([SampleKeys.R], await keys.AnnouncedAsync(default));
        var refused = await Assert.ThrowsAsync<PrivacyException>(async () => await keys.SenderAsync(SampleKeys.S, default));
        Assert.Equal(Failure.KeyNotFound, refused.Failure);
        Assert.True(await keys.OwnsAsync(SampleKeys.S, default));
    }

    [Fact]
    public async Task A_revoked_key_is_announced_no_more_and_the_change_is_told()
    {
        var enclave = new ChangingEnclave(new EnclaveKeys([SampleKeys.R], [SampleKeys.S], [])
        {
            Successors = new Dictionary<PublicKey, PublicKey> { [SampleKeys.S] = SampleKeys.R },
        });
        var keys = new OwnKeys(enclave, []);
        Assert.Equal([SampleKeys.R, SampleKeys.S], await keys.AnnouncedAsync(default));
        var changes = 0;
        keys.Changed += () => changes++;
        enclave.Now = enclave.Now with { Revoked = [SampleKeys.S] };
        await keys.RefreshAsync(default);
        Assert.Equal(1, changes);
        Assert.Equal([SampleKeys.R], await keys.AnnouncedAsync(default));
        Assert.Equal(SampleKeys.R, await keys.SenderAsync(SampleKeys.S, default));
        await keys.RefreshAsync(default);
        Assert.Equal(1, changes);
    }

    [Fact]
    public async Task A_send_whose_remembered_key_seals_no_more_goes_out_from_the_key_of_now()
    {
        var enclave = new ChangingEnclave(new EnclaveKeys([SampleKeys.S], [], []));
        var keys = new OwnKeys(enclave, []);
        var sender = new PayloadSender(enclave, null!, keys, new Publisher(keys, null!, null!), new FailedSends(TimeProvider.System));
        Assert.Equal(SampleKeys.S, (await EncodeAsync(null)).SenderKey);

        // Rotated, and the manager has not asked for the keys since.
        enclave.Now = new EnclaveKeys([SampleKeys.R], [SampleKeys.S], [])
        {
            Successors = new Dictionary<PublicKey, PublicKey> { [SampleKeys.S] = SampleKeys.R },
        };
        var sent = await EncodeAsync(null);
        Assert.Equal(SampleKeys.R, sent.SenderKey);
        Assert.Equal([SampleKeys.Nobody, SampleKeys.R], sent.RecipientKeys);
        enclave.Now = new EnclaveKeys([SampleKeys.S], [SampleKeys.R], [])
        {
            Successors = new Dictionary<PublicKey, PublicKey> { [SampleKeys.R] = SampleKeys.S },
        };
        Assert.Equal(SampleKeys.S, (await EncodeAsync(SampleKeys.R)).SenderKey);

        // Another refusal is told as it is, after one look.
        enclave.RefusesAll = true;
        var asked = enclave.Asked;
        await Assert.ThrowsAsync<PrivacyException>(() => EncodeAsync(null));
        Assert.Equal(asked + 1, enclave.Asked);

        Task<EncodedPayload> EncodeAsync(PublicKey? from) => sender.EncodeAsync(
            new byte[] { 1 }, from, [SampleKeys.Nobody], PrivacyOptions.Standard, new PayloadRoom(_ => true, _ => { }), default);
    }

    internal sealed class ChangingEnclave(EnclaveKeys now) : IEnclave
    {
        public EnclaveKeys Now { get; set; } = now;

        public bool RefusesAll { get; set; }

        public int Asked { get; private set; }

        public Task<EnclaveKeys> KeysAsync(CancellationToken cancel)
        {
            Asked++;
            return Task.FromResult(Now);
        }

        public Task<EncodedPayload> SealAsync(ReadOnlyMemory<byte> payload, PublicKey sender, IReadOnlyList<PublicKey> recipients,
            IReadOnlyList<AffectedPayload> affected, CancellationToken cancel) => RefusesAll || !Now.Active.Contains(sender)
            ? throw new PrivacyException(Failure.KeyNotFound, "it seals no more")
            : Task.FromResult(new EncodedPayload
            {
                SenderKey = sender,
                CipherText = new byte[payload.Length + 16],
                CipherTextNonce = new byte[24],
                RecipientBoxes = [],
                RecipientNonce = new byte[24],
                RecipientKeys = recipients,
            });

        public Task<EncodedPayload> SealStoredAsync(RawPayload raw, IReadOnlyList<PublicKey> recipients,
            IReadOnlyList<AffectedPayload> affected, CancellationToken cancel) =>
            throw new NotSupportedException();

        public Task<RawPayload> SealRawAsync(ReadOnlyMemory<byte> payload, PublicKey sender, CancellationToken cancel) =>
            throw new NotSupportedException();

        public Task<OpenedPayload> OpenAsync(EncodedPayload payload, PublicKey? ownKey, CancellationToken cancel) =>
            throw new NotSupportedException();

        public Task<byte[]> OpenRawAsync(RawPayload raw, CancellationToken cancel) => throw new NotSupportedException();

        public Task<IReadOnlyList<PayloadHash>> UnprovenAsync(EncodedPayload payload, IReadOnlyList<AffectedPayload> affected,
            CancellationToken cancel) => throw new NotSupportedException();

        public Task<byte[]> AddBoxAsync(EncodedPayload payload, PublicKey recipient, CancellationToken cancel) =>
            throw new NotSupportedException();
    }
}
