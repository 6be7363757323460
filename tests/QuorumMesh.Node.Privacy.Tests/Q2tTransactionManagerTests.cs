using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using QuorumMesh.Node.Privacy;
using QuorumMesh.Node.Runtime;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Privacy.Tests;

public class Q2tTransactionManagerTests
{
    private const string KeyA = "/+UuD63zItL1EbjxkKUljMgG8Z1w0AJ8pNOR4iq2yQc=";
    private const string KeyB = "zP9kWRDB83v7TSZrAEXRgeexKkejHM48cpZOqnt3oyo=";
    private const string Nonce = "AQI+AQI+AQI+AQI+AQI+AQI+AQI+AQI+";
    private static readonly byte[] Payload = [1, 2, 3];

    [Fact]
    public async Task Constellation_gets_raw_octets_and_headers()
    {
        await using var server = await FakeRestManager.StartAsync(null, (c, _) => c.Response.WriteAsync(Wait.Hash(7).ToBase64() + "\n"));
        using var manager = new Q2tTransactionManager(server.Socket);
        Assert.Equal(Wait.Hash(7), (await manager.SendAsync(new SendArguments(Payload, KeyA, [KeyA, KeyB]), default)).Hash);
        var sent = server.Requests.Single(r => r.Target == "/sendraw");
        Assert.Equal("POST", sent.Method);
        Assert.Equal(Payload, sent.Body);
        Assert.Equal(KeyA, sent.Headers["c11n-from"]);
        Assert.Equal($"{KeyA},{KeyB}", sent.Headers["c11n-to"]);
        Assert.Equal("3", sent.Headers["content-length"]);
        Assert.Equal("application/octet-stream", sent.Headers["content-type"]);

        await manager.SendAsync(new SendArguments(Payload, null, []), default);
        var alone = server.Requests.Last(r => r.Target == "/sendraw");
        Assert.Equal("", alone.Headers["c11n-to"]);
        Assert.False(alone.Headers.ContainsKey("c11n-from"));

        await manager.SendSignedAsync(Wait.Hash(9), [KeyB], SendPrivacy.Standard, default);
        var signed = server.Requests.Single(r => r.Target == "/sendsignedtx");
        Assert.Equal(Wait.Hash(9).ToArray(), signed.Body);
        Assert.Equal(KeyB, signed.Headers["c11n-to"]);
    }

    [Fact]
    public async Task What_a_send_promises_goes_out_and_is_in_its_answer()
    {
        await using var server = await FakeRestManager.StartAsync("""["1.0","2.0","2.1"]""",
            (c, _) => FakeRestManager.Status(c, 201, $$"""{"key":"{{Wait.Hash(7).ToBase64()}}"}"""));
        using var manager = new Q2tTransactionManager(null, server.Url);
        var privacy = new SendPrivacy(PrivacyMode.PrivateStateValidation) { Affected = [Wait.Hash(9)], ExecutionHash = "root" };
        var answer = await manager.SendAsync(new SendArguments(Payload, null, [KeyB]) { Privacy = privacy }, default);
        Assert.Equal(PrivacyMode.PrivateStateValidation, answer.PrivacyMode);
        Assert.Equal(Wait.Hash(9), Assert.Single(answer.AffectedTransactions));
        Assert.Equal("root"u8.ToArray(), answer.ExecutionHash);
        using var body = JsonDocument.Parse(server.Requests.Single(r => r.Target == "/send").Body);
        Assert.Equal(3, body.RootElement.GetProperty("privacyFlag").GetInt32());
        Assert.Equal("root", body.RootElement.GetProperty("execHash").GetString());
        var affected = body.RootElement.GetProperty("affectedContractTransactions");
        Assert.Equal(Wait.Hash(9).ToBase64(), Assert.Single(affected.EnumerateArray()).GetString());
        var mandatory = new SendPrivacy(PrivacyMode.MandatoryRecipients) { MandatoryFor = [KeyB] };
        var refused = await Assert.ThrowsAsync<TransactionManagerException>(
            () => manager.SendAsync(new SendArguments(Payload, null, [KeyB]) { Privacy = mandatory }, default));
        Assert.Equal("private transaction manager does not support mandatory recipients", refused.Message);
    }

    /// <summary>As recorded of GoQuorum 24.4.1 at a Tessera.</summary>
    [Fact]
    public async Task A_contract_extension_asks_with_what_Tessera_has_for_it()
    {
        const string Boxes = $$""","recipientBoxes":["{{Nonce}}{{Nonce}}"],"recipientNonce":"{{Nonce}}","recipientKeys":["{{KeyA}}"]}""";
        const string Sealed = $$"""{"senderKey":"{{KeyA}}","cipherText":"{{KeyB}}","cipherTextNonce":"{{Nonce}}"{{Boxes}}""";
        await using var server = await FakeRestManager.StartAsync("""["1.0","2.0","2.1"]""", (c, target) => target switch
        {
            _ when target.EndsWith("/isSender", StringComparison.Ordinal) => c.Response.WriteAsync("true"),
            _ when target.EndsWith("/participants", StringComparison.Ordinal) => c.Response.WriteAsync($"{KeyB},{KeyA}"),
            "/encodedpayload/create" => c.Response.WriteAsync(Sealed[..^1] + ""","privacyMode":0,"execHash":""}"""),
            _ => c.Response.WriteAsync("""{"payload":"AQID","privacyFlag":0}"""),
        });
        using var manager = new Q2tTransactionManager(null, server.Url);
        Assert.True(await manager.IsSenderAsync(Wait.Hash(7), default));
        Assert.Equal([KeyB, KeyA], await manager.ParticipantsAsync(Wait.Hash(7), default));
        var locked = await manager.SealAsync(Payload, KeyA, default);
        // Six members, compact, base64 unescaped: it goes to the other parties as it is.
        Assert.Equal(Sealed, Encoding.UTF8.GetString(locked.ToJson()));
        Assert.Equal(Payload, await manager.OpenAsync(locked, default));
        Assert.Equal(locked.ToJson(), server.Requests.Single(r => r.Target == "/encodedpayload/decrypt").Body);
        using var body = JsonDocument.Parse(server.Requests.Single(r => r.Target == "/encodedpayload/create").Body);
        var root = body.RootElement;
        Assert.Equal(("AQID", KeyA, 0), (root.GetProperty("payload").GetString(), root.GetProperty("from").GetString(),
            root.GetProperty("to").GetArrayLength()));
    }

    /// <summary>A word on the payload settles it, a fault does not: the private head waits for another answer.</summary>
    [Theory]
    [InlineData(404, true)]
    [InlineData(400, true)]
    [InlineData(500, false)]
    public async Task What_cannot_be_opened_is_told_from_a_fault(int status, bool isWord)
    {
        await using var server = await FakeRestManager.StartAsync("""["1.0","2.0","2.1"]""",
            (c, _) => FakeRestManager.Status(c, status, "no"));
        using var manager = new Q2tTransactionManager(null, server.Url);
        var locked = new SealedPayload(KeyA, "AQI=", "AQ==", ["Ag=="], "Aw==", [KeyA]);
        if (isWord) Assert.Null(await manager.OpenAsync(locked, default));
        else Assert.True((await Assert.ThrowsAsync<TransactionManagerException>(() => manager.OpenAsync(locked, default))).IsItsOwnFault);
        if (status == 404) Assert.False(await manager.IsSenderAsync(Wait.Hash(7), default));
        else await Assert.ThrowsAsync<TransactionManagerException>(() => manager.IsSenderAsync(Wait.Hash(7), default));
    }

    [Theory]
    [InlineData("""["1.0"]""", "application/json", false)]
    [InlineData("""["v1","v2"]""", "application/json", true)]
    [InlineData("""["1.0","2.0","2.1"]""", "application/vnd.tessera-2.1+json", true)]
    [InlineData("""["1.0","2.0","2.1","3.0","4.0","5.0"]""", "application/vnd.tessera-4.0+json", true)]
    public async Task Tessera_gets_json_of_the_type_its_version_knows(string versions, string sendType, bool signedByJson)
    {
        await using var server = await FakeRestManager.StartAsync(
            versions, (c, _) => FakeRestManager.Status(c, 201, $$"""{"key":"{{Wait.Hash(7).ToBase64()}}","senderKey":"{{KeyA}}"}"""));
        using var manager = new Q2tTransactionManager(null, server.Url);
        var answer = await manager.SendAsync(new SendArguments(Payload, "", [KeyB]), default);
        Assert.Equal((Wait.Hash(7), PayloadAvailability.Here, Payload), (answer.Hash, answer.Availability, answer.Payload));
        Assert.Equal(KeyA, Convert.ToBase64String(answer.SenderKey!));
        var sent = server.Requests.Single(r => r.Target == "/send");
        Assert.Equal(sendType, sent.Headers["content-type"]);
        Assert.Equal(sendType, sent.Headers["accept"]);
        using var body = JsonDocument.Parse(sent.Body);
        Assert.Equal("AQID", body.RootElement.GetProperty("payload").GetString());
        Assert.False(body.RootElement.TryGetProperty("from", out _));
        Assert.Equal(KeyB, body.RootElement.GetProperty("to")[0].GetString());
        Assert.Equal(0, body.RootElement.GetProperty("privacyFlag").GetInt32());

        Assert.Equal(Wait.Hash(7), await manager.StoreRawAsync(Payload, KeyA, default));
        await manager.SendSignedAsync(Wait.Hash(7), [KeyB], SendPrivacy.Standard, default);
        var signed = server.Requests.Single(r => r.Target == "/sendsignedtx");
        Assert.Equal(signedByJson, signed.Headers["content-type"] != "application/octet-stream");
    }

    [Fact]
    public async Task Four_answers_come_back_in_order()
    {
        await using var server = await FakeRestManager.StartAsync("""["1.0","2.0","2.1"]""", (c, target) =>
        {
            Assert.EndsWith("?isRaw=false", target);
            if (target.Contains(Uri.EscapeDataString(Wait.Hash(1).ToBase64())))
                return c.Response.WriteAsync(
                    $$"""{"payload":"AQID","senderKey":"{{KeyA}}","managedParties":["{{KeyB}}"],"privacyFlag":0}""");
            if (target.Contains(Uri.EscapeDataString(Wait.Hash(3).ToBase64())))
                c.Response.Headers["QuorumMesh-Availability"] = "missing";
            return target.Contains(Uri.EscapeDataString(Wait.Hash(4).ToBase64()))
                ? FakeRestManager.Status(c, 500, "it broke")
                : FakeRestManager.Status(c, 404, "not found");
        });
        using var manager = new Q2tTransactionManager(server.Socket);
        var answers = await manager.ReceiveAsync([Wait.Hash(1), Wait.Hash(2), Wait.Hash(3), Wait.Hash(4)], default);
        Assert.Equal(
            [PayloadAvailability.Here, PayloadAvailability.NotAParty, PayloadAvailability.Missing, PayloadAvailability.Unavailable],
            answers.Select(a => a.Availability));
        Assert.Equal(Payload, answers[0].Payload);
        Assert.Equal(KeyA, Convert.ToBase64String(answers[0].SenderKey!));
        Assert.Equal(KeyB, Convert.ToBase64String(Assert.Single(answers[0].ManagedParties)));
        Assert.Contains("it broke", answers[3].Reason);
    }

    [Theory]
    [InlineData("", 0, 0, "")]
    [InlineData(""","privacyFlag":null,"affectedContractTransactions":null,"execHash":null""", 0, 0, "")]
    [InlineData(""","privacyFlag":1,"affectedContractTransactions":["HASH"],"execHash":"" """, 1, 1, "")]
    [InlineData(""","privacyFlag":3,"affectedContractTransactions":["HASH","HASH"],"execHash":"cm9vdA==" """, 3, 2, "cm9vdA==")]
    public async Task Privacy_flag_affected_transactions_and_execution_hash_come_with_the_payload(string more, byte mode, int affected,
        string executionHash)
    {
        var hash = Wait.Hash(9).ToBase64();
        await using var server = await FakeRestManager.StartAsync(
            """["1.0","2.0","2.1"]""",
            (c, _) => c.Response.WriteAsync("{\"payload\":\"AQID\"" + more.Replace("HASH", hash, StringComparison.Ordinal) + "}"));
        using var manager = new Q2tTransactionManager(server.Socket);
        var answer = Assert.Single(await manager.ReceiveAsync([Wait.Hash(1)], default));
        Assert.Equal((PayloadAvailability.Here, (Primitives.PrivacyMode)mode), (answer.Availability, answer.PrivacyMode));
        Assert.Equal(Enumerable.Repeat(Wait.Hash(9), affected), answer.AffectedTransactions);
        // The text itself, as Tessera keeps it (tessera 1.2).
        Assert.Equal(executionHash, Encoding.UTF8.GetString(answer.ExecutionHash));
    }

    [Theory]
    [InlineData("\"privacyFlag\":4")]
    [InlineData("\"privacyFlag\":256")]
    [InlineData("\"privacyFlag\":-1")]
    [InlineData("\"affectedContractTransactions\":[\"AAAA\"]")]
    [InlineData("\"senderKey\":\"?\"")]
    public async Task An_answer_that_cannot_be_read_is_unavailable(string more)
    {
        await using var server = await FakeRestManager.StartAsync("""["2.1"]""",
            (c, _) => c.Response.WriteAsync("{\"payload\":\"AQID\"," + more + "}"));
        using var manager = new Q2tTransactionManager(server.Socket);
        var answer = Assert.Single(await manager.ReceiveAsync([Wait.Hash(1)], default));
        Assert.Equal(PayloadAvailability.Unavailable, answer.Availability);
        Assert.Contains("cannot be read", answer.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Constellations_payload_is_the_body()
    {
        await using var server = await FakeRestManager.StartAsync(null, (c, _) => c.Response.WriteAsync("abc"));
        using var manager = new Q2tTransactionManager(server.Socket);
        var answer = Assert.Single(await manager.ReceiveAsync([Wait.Hash(5)], default));
        Assert.Equal("abc", Encoding.ASCII.GetString(answer.Payload!));
        Assert.Equal(Wait.Hash(5).ToBase64(), server.Requests.Single(r => r.Target == "/receiveraw").Headers["c11n-key"]);
    }

    [Fact]
    public async Task A_manager_that_is_down_is_unavailable_and_errors_say_why()
    {
        using var manager = new Q2tTransactionManager(Path.Combine(Path.GetTempPath(), $"absent-{Guid.NewGuid():N}.ipc"));
        var answer = Assert.Single(await manager.ReceiveAsync([Wait.Hash(1)], default));
        Assert.Equal(PayloadAvailability.Unavailable, answer.Availability);
        Assert.Contains("not reachable", answer.Reason);
        var error = await Assert.ThrowsAsync<TransactionManagerException>(
            () => manager.SendAsync(new SendArguments(Payload, null, []), default));
        Assert.Contains("not reachable", error.Message);
        Assert.NotNull(await manager.CheckAsync(default));
    }

    [Fact]
    public async Task A_slow_manager_is_unavailable_after_the_limit()
    {
        await using var server = await FakeRestManager.StartAsync("""["1.0"]""", (c, _) => Task.Delay(Wait.Limit, c.RequestAborted));
        using var manager = new Q2tTransactionManager(server.Socket, null,
            ManagerTimeouts.Default with { Receive = TimeSpan.FromSeconds(2) });
        var answer = Assert.Single(await manager.ReceiveAsync([Wait.Hash(1)], default));
        Assert.Equal(PayloadAvailability.Unavailable, answer.Availability);
        Assert.Contains("did not answer within 2 s", answer.Reason);
    }

    [Theory]
    [InlineData(404, "Recipient not found for key: x", "404 status: Recipient not found for key: x")]
    [InlineData(200, "no json", "private transaction manager's answer is not JSON")]
    [InlineData(200, """{"key":"AQID"}""", "without a hash of 64 bytes")]
    public async Task Bad_answers_to_send_reach_the_user(int status, string text, string message)
    {
        await using var server = await FakeRestManager.StartAsync("""["1.0"]""", (c, _) => FakeRestManager.Status(c, status, text));
        using var manager = new Q2tTransactionManager(server.Socket);
        var error = await Assert.ThrowsAsync<TransactionManagerException>(
            () => manager.SendAsync(new SendArguments(Payload, null, [KeyB]), default));
        Assert.Contains(message, error.Message);
    }

    [Theory]
    [InlineData(null, false)]
    [InlineData("""["1.0"]""", false)]
    [InlineData("""["1.0","2.0","2.1"]""", true)]
    [InlineData("""["v4"]""", true)]
    public async Task Privacy_flags_are_known_from_API_2_on(string? versions, bool isKnown)
    {
        await using var server = await FakeRestManager.StartAsync(versions, (c, _) => FakeRestManager.Status(c, 404));
        using var manager = new Q2tTransactionManager(server.Socket);
        Assert.Equal(isKnown, await manager.KnowsPrivacyFlagsAsync(default));
        using var away = new Q2tTransactionManager(server.Socket + ".not-there");
        Assert.Null(await away.KnowsPrivacyFlagsAsync(default));
    }

    [Fact]
    public async Task Nothing_but_base64_goes_into_a_header()
    {
        await using var server = await FakeRestManager.StartAsync(null, (c, _) => FakeRestManager.Status(c, 500));
        using var manager = new Q2tTransactionManager(server.Socket);
        await Assert.ThrowsAsync<TransactionManagerException>(
            () => manager.SendAsync(new SendArguments(Payload, null, ["x\r\ny: z"]), default));
        Assert.DoesNotContain(server.Requests, r => r.Target == "/sendraw");
    }

    [Fact]
    public async Task A_socket_that_nobody_serves_is_named_by_its_path()
    {
        var directory = Directory.CreateTempSubdirectory("qm-q2t-").FullName;
        try
        {
            var path = Path.Combine(directory, "tm.ipc");
            using var rest = new Q2tTransactionManager(path);
            using var grpc = new GrpcTransactionManager($"unix:{path}");
            foreach (var manager in new IManagerProbe[] { rest, grpc })
            {
                var missing = await manager.CheckAsync(default);
                Assert.Contains($"socket {path}: no such file", missing, StringComparison.Ordinal);
                Assert.DoesNotContain("localhost", missing, StringComparison.Ordinal);
                Assert.DoesNotContain("c:80", missing, StringComparison.Ordinal);
            }
            await File.WriteAllTextAsync(path, "left behind");
            Assert.Contains($"socket {path}: nobody listens", await rest.CheckAsync(default), StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }
}
