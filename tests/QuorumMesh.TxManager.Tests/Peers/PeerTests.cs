using System.Buffers;
using System.Text.Json;
using QuorumMesh.Contracts;
using QuorumMesh.Contracts.Parties;
using QuorumMesh.Contracts.Payloads;
using QuorumMesh.Primitives;
using QuorumMesh.Tests.Shared.Managers;

namespace QuorumMesh.TxManager.Tests.Peers;

public sealed class PeerTests(TestNetwork network) : IClassFixture<TestNetwork>
{
    private const string WorkedHash = "+V3DcJ+QDus30wbBzG/3PIXq5+36/w9A17BNKtklKPPqa+2CS0PkYxLPh0vmMwPZ8zfq2ke0KxXkTVnM9QuJmw==";

    private static readonly EncodedPayload Worked = new()
    {
        SenderKey = Keys.S,
        CipherText = Hex.FromHex("17fa69fb05dc1b3b306befdfeab0bccd227239155571ca5fa92b040c"),
        CipherTextNonce = Hex.FromHex("404142434445464748494a4b4c4d4e4f5051525354555657"),
        RecipientBoxes = [Hex.FromHex("b6ee88e4d4bb004f60d0eb6e4f04bebecf3a431a5b2e7bb23cf6eb874f929553f2cbcdda98cdce8d910bcdc0dec3cee7")],
        RecipientNonce = Hex.FromHex("808182838485868788898a8b8c8d8e8f9091929394959697"),
        RecipientKeys = [Keys.R],
    };

    [Fact]
    public async Task Worked_payload_is_stored_once_and_opens()
    {
        var encoded = LegacyPayloadCodec.Encode(Worked);
        for (var i = 0; i < 2; i++)
            Assert.Equal((201, WorkedHash), await network.PostBytesAsync(network.B.P2P + "push", encoded));

        using var received = await network.ReceiveRawAsync(network.B, WorkedHash);
        Assert.Equal("hello quorum", await received.Content.ReadAsStringAsync());

        // The same bytes given back to their sender: it makes its own box anew, as in recovery.
        Assert.Equal((201, WorkedHash), await network.PostBytesAsync(network.A.P2P + "push", encoded));
        using var recovered = await network.ReceiveRawAsync(network.A, WorkedHash);
        Assert.Equal("hello quorum", await recovered.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task Pushes_that_cannot_be_right_are_refused_and_leave_nothing()
    {
        var push = network.C.P2P + "push";
        Assert.Equal(500, (await network.PostBytesAsync(push, [])).Status);
        var (status, text) = await network.PostBytesAsync(push, [1, 2, 3]);
        Assert.Equal(500, status);
        Assert.Contains("at byte 0", text, StringComparison.Ordinal);
        Assert.Equal(404, (await network.PostBytesAsync(push, LegacyPayloadCodec.Encode(Worked))).Status);
        Assert.Equal(500,
            (await network.PostBytesAsync(push, LegacyPayloadCodec.Encode(Worked with { RecipientKeys = [network.C.Key] }))).Status);
        Assert.Equal(500, (await network.PostBytesAsync(push, LegacyPayloadCodec.Encode(Worked with { RecipientKeys = [] }))).Status);
        Assert.Equal(500, (await network.PostBytesAsync(push, LegacyPayloadCodec.Encode(Worked with { RecipientBoxes = [] }))).Status);
        Assert.Equal(
            (403, "Enhanced Privacy is not enabled"),
            await network.PostBytesAsync(push, LegacyPayloadCodec.Encode(Worked with { PrivacyMode = PrivacyMode.PartyProtection })));
        using var nothing = await network.ReceiveRawAsync(network.C, WorkedHash);
        Assert.Equal(404, (int)nothing.StatusCode);
    }

    [Fact]
    public async Task Pushes_in_one_request_are_stored_or_refused_each_by_itself()
    {
        byte[][] pushes =
        [
            LegacyPayloadCodec.Encode(Worked), [1, 2, 3], LegacyPayloadCodec.Encode(Worked with { RecipientKeys = [network.C.Key] }),
            LegacyPayloadCodec.Encode(Worked with { PrivacyMode = PrivacyMode.PartyProtection }), CborPayloadCodec.Encode(Worked),
        ];
        var body = PushMany.Write([.. pushes.Select(p => new ReadOnlySequence<byte>(p))]);
        using var content = new ByteArrayContent(body);
        using var answer = await network.Http.PostAsync(network.B.P2P + PushMany.Path, content);
        Assert.Equal(200, (int)answer.StatusCode);
        Assert.True(PushMany.TryReadStatuses(await answer.Content.ReadAsByteArrayAsync(), pushes.Length, out var statuses));
        Assert.Equal([201, 500, 404, 403, 201], statuses);
        using var received = await network.ReceiveRawAsync(network.B, WorkedHash);
        Assert.Equal("hello quorum", await received.Content.ReadAsStringAsync());

        Assert.Equal(500, (await network.PostBytesAsync(network.B.P2P + PushMany.Path, body[..^1])).Status);
        Assert.Equal(200, (await network.PostBytesAsync(network.B.P2P + PushMany.Path, [])).Status);
    }

    [Fact]
    public async Task Sends_that_are_made_at_once_all_arrive_with_their_own_content()
    {
        for (var round = 0; round < 3; round++)
        {
            var sends = Enumerable.Range(0, 60).Select(i => network.SendRawAsync(network.A, $"at once {i}", network.B, network.C));
            var hashes = await Task.WhenAll(sends);
            foreach (var at in new[] { network.A, network.B, network.C })
                for (var i = 0; i < hashes.Length; i += 7)
                {
                    using var received = await network.ReceiveRawAsync(at, hashes[i]);
                    Assert.Equal($"at once {i}", await received.Content.ReadAsStringAsync());
                }
        }
    }

    [Fact]
    public async Task Same_hash_with_another_sender_is_refused()
    {
        var hash = await network.SendRawAsync(network.A, "mine", network.B);
        var (status, body) = await network.ResendOneAsync(network.A, network.B, hash);
        Assert.Equal(200, status);
        var payload = LegacyPayloadCodec.Decode(body);
        Assert.Equal([network.B.Key], payload.RecipientKeys);
        Assert.Equal(
            (500, "Invalid existing transaction"),
            await network.PostBytesAsync(network.B.P2P + "push", LegacyPayloadCodec.Encode(payload with { SenderKey = network.C.Key })));
    }

    [Fact]
    public async Task Resend_gives_back_what_was_lost()
    {
        var lost = await network.SendRawAsync(network.A, "lost at B", network.B);
        var own = await network.SendRawAsync(network.B, "sent by B", network.A);
        foreach (var hash in new[] { lost, own })
        {
            using var deleted = await network.Http.DeleteAsync($"{network.B.Q2T}transaction/{TestNetwork.Escape(hash)}");
            Assert.Equal(204, (int)deleted.StatusCode);
        }

        var all = JsonSerializer.Serialize(new { type = "ALL", publicKey = network.B.Key.ToBase64() });
        Assert.Equal((200, string.Empty), await network.PostJsonAsync(network.A.P2P + "resend", all));
        using var received = await network.ReceiveRawAsync(network.B, lost);
        Assert.Equal("lost at B", await received.Content.ReadAsStringAsync());
        using var receivedOwn = await network.ReceiveRawAsync(network.B, own);
        Assert.Equal("sent by B", await receivedOwn.Content.ReadAsStringAsync());
        Assert.Equal((200, "true"), await network.GetAsync($"{network.B.Q2T}transaction/{TestNetwork.Escape(own)}/isSender"));
    }

    [Fact]
    public async Task Bad_resends_are_refused()
    {
        var resend = network.A.P2P + "resend";
        var hash = await network.SendRawAsync(network.A, "for B", network.B);
        var unknown = Convert.ToBase64String(new byte[64]);
        Task<(int Status, string Body)> Ask(object body) => network.PostJsonAsync(resend, JsonSerializer.Serialize(body));
        Assert.Equal(404, (await network.ResendOneAsync(network.A, network.B, unknown)).Status);
        Assert.Equal(500, (await network.ResendOneAsync(network.A, network.C, hash)).Status);
        Assert.Equal(400, (await Ask(new { type = "INDIVIDUAL", publicKey = "???", key = hash })).Status);
        Assert.Equal(400, (await Ask(new { type = "SOME", publicKey = network.B.Key.ToBase64() })).Status);
        Assert.Equal(400, (await Ask(new { type = "ALL" })).Status);
    }

    [Fact]
    public async Task Party_info_in_both_forms()
    {
        var (status, json) = await network.GetAsync(network.A.P2P + "partyinfo");
        Assert.Equal(200, status);
        var root = JsonDocument.Parse(json).RootElement;
        Assert.Equal(network.A.P2P, root.GetProperty("url").GetString());
        Assert.Equal(3, root.GetProperty("keys").GetArrayLength());

        var info = PartyInfoCodec.Encode(new PartyInfo("http://127.0.0.1:1/", [new(Keys.Nobody, "http://elsewhere:1/")], []));
        using var content = new ByteArrayContent([.. info, 0, 0, 0]);
        using var answer = await network.Http.PostAsync(network.A.P2P + "partyinfo", content);
        Assert.Equal(200, (int)answer.StatusCode);
        Assert.Equal(
            PartyInfoCodec.Encode(new PartyInfo(network.A.P2P, [], [])), await answer.Content.ReadAsByteArrayAsync());
        Assert.Equal(500, (await network.PostBytesAsync(network.A.P2P + "partyinfo", [9, 9])).Status);
        var (unknown, _) = await network.PostJsonAsync(
            network.A.Q2T + "send", JsonSerializer.Serialize(new { payload = "AQ==", to = new[] { Keys.Nobody.ToBase64() } }));
        Assert.Equal(404, unknown);
    }

    [Fact]
    public async Task Validation_opens_nothing_but_uuids()
    {
        var (status, text) = await network.PostBytesAsync(network.B.P2P + "partyinfo/validate", LegacyPayloadCodec.Encode(Worked));
        Assert.Equal(400, status);
        Assert.DoesNotContain("hello", text, StringComparison.Ordinal);
    }
}

public sealed class KeyValidationTests(ValidatingNetwork network) : IClassFixture<ValidatingNetwork>
{
    [Fact]
    public async Task Proven_keys_work_and_unproven_ones_are_refused()
    {
        var hash = await network.SendRawAsync(network.A, "validated", network.B, network.C);
        using var received = await network.ReceiveRawAsync(network.C, hash);
        Assert.Equal("validated", await received.Content.ReadAsStringAsync());

        // C claims a key that its enclave does not have.
        var claim = PartyInfoCodec.Encode(new PartyInfo(network.C.P2P, [new(Keys.Nobody, network.C.P2P)], []));
        Assert.Equal((500, string.Empty), await network.PostBytesAsync(network.A.P2P + "partyinfo", claim));
    }
}
