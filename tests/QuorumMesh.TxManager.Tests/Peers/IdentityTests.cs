using System.Text.Json.Nodes;
using QuorumMesh.Contracts;
using QuorumMesh.Contracts.Identities;
using QuorumMesh.Enclave.Core;
using QuorumMesh.Enclave.Keys;
using QuorumMesh.Tests.Shared.Managers;

namespace QuorumMesh.TxManager.Tests.Peers;

/// <summary>Managers whose enclaves have identities, with real enclaves, stores and HTTP between.</summary>
public sealed class IdentityTests(IdentityTests.Network network) : IClassFixture<IdentityTests.Network>
{
    private Participant A => network.A;

    [Fact]
    public async Task A_rotated_key_is_followed_and_a_revoked_one_is_refused_in_words()
    {
        var b = network.B;
        await UntilAsync(A, pins => pins.ContainsKey(b.Key));
        var second = await KeyRotation.RotateAsync(b.EnclaveConfig, null, _ => null, acceptLoss: false, default);
        b.ReloadKeys();
        await UntilAsync(A, pins => pins.GetValueOrDefault(b.Key) == $"retired {second}" && pins.ContainsKey(second));

        // Whoever names the old key reaches the new one, and the payload is sealed for that.
        var hash = await network.SendRawAsync(A, "to the key of before", b, network.C);
        var (status, participants) = await network.GetAsync(A.Q2T + $"transaction/{TestNetwork.Escape(hash)}/participants");
        Assert.Equal(200, status);
        Assert.Contains(second.ToBase64(), participants, StringComparison.Ordinal);
        Assert.DoesNotContain(b.Key.ToBase64(), participants, StringComparison.Ordinal);
        using (var received = await network.ReceiveRawAsync(b, hash))
            Assert.Equal("to the key of before", await received.Content.ReadAsStringAsync());

        var third = (await KeyRotation.RevokeAsync(b.EnclaveConfig, second, null, _ => null, default))!;
        b.ReloadKeys();
        await UntilAsync(A, pins => pins.GetValueOrDefault(second) == $"revoked {third}" && pins.ContainsKey(third));
        var json = new JsonObject
        {
            ["payload"] = Convert.ToBase64String("x"u8),
            ["to"] = new JsonArray(second.ToBase64()),
        }.ToJsonString();
        var (refused, why) = await network.PostJsonAsync(A.Q2T + "send", json);
        Assert.Equal(403, refused);
        Assert.Contains("is revoked by its owner", why, StringComparison.Ordinal);
        Assert.Contains($"name {third.ToBase64()} instead", why, StringComparison.Ordinal);
        // The first key leads past the revoked one.
        await network.SendRawAsync(A, "over two rotations", b);
        // What was sealed for the revoked key is still read by its owner.
        using (var old = await network.ReceiveRawAsync(b, hash))
            Assert.Equal("to the key of before", await old.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task A_manager_that_comes_back_without_its_identity_is_refused_until_an_operator_accepts_it()
    {
        var c = network.C;
        await UntilAsync(A, pins => pins.ContainsKey(c.Key));
        await network.SendRawAsync(A, "before", c);

        await c.StopManagerAsync();
        await c.StopEnclaveAsync();
        c.UseIdentity(false);
        await c.StartEnclaveAsync();
        await c.StartManagerAsync();
        await Wait.UntilAsync(async () =>
        {
            using var answer = await network.PostRawAsync(A, "after", c);
            return (await answer.Content.ReadAsStringAsync()).Contains("does not show the identity", StringComparison.Ordinal);
        }, "what would go to a manager without its identity is refused, and why is said");
        var told = JsonNode.Parse((await network.GetAsync(A.ThirdParty + "quorummesh/identities")).Body)!;
        Assert.Contains(told["conflicts"]!.AsArray(), claim => (string?)claim!["key"] == c.Key.ToBase64());
        // Of which manager it is cannot be told: they share this process.
        Assert.Contains("quorummesh_txmanager_identity_conflicts", (await network.GetAsync(A.Health + "metrics")).Body,
            StringComparison.Ordinal);

        // The pin outlives a restart of ours.
        await A.StopManagerAsync();
        await A.StartManagerAsync();
        using (var still = await network.PostRawAsync(A, "after", c))
            Assert.NotEqual(200, (int)still.StatusCode);
        Assert.Equal(404, (await network.PostJsonAsync(A.ThirdParty + "quorummesh/identities/accept", "{}")).Status);
        var accepted = new JsonObject { ["key"] = c.Key.ToBase64() }.ToJsonString();
        Assert.Equal(200, (await network.PostJsonAsync(A.Q2T + "quorummesh/identities/accept", accepted)).Status);
        await Wait.UntilAsync(async () =>
        {
            using var answer = await network.PostRawAsync(A, "accepted", c);
            return answer.IsSuccessStatusCode;
        }, "an operator's word lets it in again");
    }

    [Fact]
    public async Task Recipients_sign_for_what_they_keep_one_by_one_and_together()
    {
        var b = network.B;
        await UntilAsync(A, pins => pins.ContainsKey(b.Key));
        var sends = Enumerable.Range(0, 40).Select(i => network.SendRawAsync(A, $"signed for {i}", b));
        string[] hashes = [await network.SendRawAsync(A, "signed for alone", b), .. await Task.WhenAll(sends)];
        foreach (var hash in hashes)
        {
            JsonNode? receipt = null;
            await Wait.UntilAsync(async () =>
            {
                var list = JsonNode.Parse((await network.GetAsync(A.Q2T + $"quorummesh/receipts/{TestNetwork.Escape(hash)}")).Body)!;
                receipt = list["receipts"]!.AsArray().FirstOrDefault();
                Assert.Equal(receipt is null ? 1 : 0, list["without"]!.AsArray().Count);
                return receipt is not null;
            }, "the recipient's receipt is kept");
            var proof = DeliveryReceipts.Read(Convert.FromBase64String((string)receipt!["proof"]!));
            Assert.Contains(proof.Deliveries, d => d.Hash.ToBase64() == hash);
            Assert.True(IdentityKey.Verify(
                proof.Identity.Span, IdentityStatement.DeliveryReceipts(proof.KeptAt, proof.Store, proof.Deliveries), proof.Signature));
        }

        Assert.Equal(404, (await network.GetAsync(
            A.Q2T + $"quorummesh/receipts/{TestNetwork.Escape(Convert.ToBase64String(new byte[64]))}")).Status);
        Assert.Equal(400, (await network.GetAsync(A.Q2T + "quorummesh/receipts/AQ%3D%3D")).Status);
    }

    [Fact]
    public async Task Decisions_that_cannot_be_read_are_refused()
    {
        var accept = A.Q2T + "quorummesh/identities/accept";
        Assert.Equal(400, (await network.PostJsonAsync(accept, "{}")).Status);
        Assert.Equal(400, (await network.PostJsonAsync(accept, """{"key":"AQ=="}""")).Status);
        var unknown = new JsonObject { ["key"] = Keys.Nobody.ToBase64() }.ToJsonString();
        Assert.Equal(404, (await network.PostJsonAsync(accept, unknown)).Status);
        Assert.Equal(400, (await network.PostBytesAsync(A.P2P + Contracts.Identities.IdentityAnswer.Path, new byte[31])).Status);
        Assert.Equal(413, (await network.PostBytesAsync(A.P2P + Contracts.Identities.IdentityAnswer.Path, new byte[2000])).Status);
    }

    /// <returns>Key → its state, and its successor behind a blank.</returns>
    private Task UntilAsync(Participant at, Func<Dictionary<PublicKey, string>, bool> holds) => Wait.UntilAsync(async () =>
    {
        var list = JsonNode.Parse((await network.GetAsync(at.ThirdParty + "quorummesh/identities")).Body)!;
        return holds(list["keys"]!.AsArray().ToDictionary(
            k => PublicKey.FromBase64((string)k!["key"]!), k => $"{(string?)k!["state"]} {(string?)k["successor"]}".TrimEnd()));
    }, "the manager knows what its peers announced");

    /// <summary>Three participants with identities.</summary>
    public sealed class Network : TestNetwork
    {
        private protected override bool HaveIdentities => true;
    }
}
