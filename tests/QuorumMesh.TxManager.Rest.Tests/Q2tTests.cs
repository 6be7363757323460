using System.Net;
using System.Text;
using System.Text.Json;
using QuorumMesh.Contracts;
using QuorumMesh.Tests.Shared.Managers;
using QuorumMesh.TxManager.Core.Distribution;

namespace QuorumMesh.TxManager.Rest.Tests;

public sealed class Q2tTests(TestNetwork network) : IClassFixture<TestNetwork>
{
    private static string Json(object value) => JsonSerializer.Serialize(value);

    private static string Base64(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));

    private string Transaction(Participant at, string hash) => $"{at.Q2T}transaction/{TestNetwork.Escape(hash)}";

    [Fact]
    public async Task Every_app_answers_the_common_routes()
    {
        foreach (var url in new[] { network.A.Q2T, network.A.P2P, network.A.ThirdParty })
        {
            Assert.Equal((200, string.Empty), await network.GetAsync(url));
            Assert.Equal((200, "I'm up!"), await network.GetAsync(url + "upcheck"));
            Assert.Equal((200, """["1.0","2.0","2.1","3.0","4.0","5.0"]"""), await network.GetAsync(url + "version/api"));
            Assert.Equal(await network.GetAsync(url + "version"), await network.GetAsync(url + "version/distribution"));
            Assert.Equal(404, (await network.GetAsync(url + "nothing/here")).Status);
            Assert.Equal(405, (await network.PostBytesAsync(url + "upcheck", [])).Status);
        }

        Assert.Equal(404, (await network.GetAsync(network.A.P2P + "receiveraw")).Status);
        Assert.Equal(404, (await network.PostJsonAsync(network.A.ThirdParty + "send", "{}")).Status);
    }

    [Fact]
    public async Task Send_reaches_the_parties_and_nobody_else()
    {
        var body = Json(
            new
            {
                payload = Base64("secret"),
                to = new[] { network.B.Key.ToBase64() },
                privacyFlag = 0,
                mandatoryRecipients = (string?)null
            });
        using var sent = await network.Http.PostAsync(network.A.Q2T + "send", new StringContent(body, Encoding.UTF8, "application/json"));
        Assert.Equal(HttpStatusCode.Created, sent.StatusCode);
        var answer = await sent.Content.ReadAsStringAsync();
        var hash = JsonDocument.Parse(answer).RootElement.GetProperty("key").GetString()!;
        Assert.Equal($$"""{"key":"{{hash}}"}""", answer);
        Assert.Equal(64, Convert.FromBase64String(hash).Length);
        Assert.Equal($"{network.A.Q2T}transaction/{TestNetwork.Escape(hash)}", sent.Headers.Location!.OriginalString);

        foreach (var party in new[] { network.A, network.B })
        {
            var (status, json) = await network.GetAsync(Transaction(party, hash) + "?isRaw=false");
            Assert.Equal(200, status);
            Assert.Equal($$"""{"payload":"{{Base64("secret")}}","privacyFlag":0,"affectedContractTransactions":[],"execHash":""}""", json);
        }

        var (missing, text) = await network.GetAsync(Transaction(network.C, hash));
        Assert.Equal((404, $"Message with hash {hash} was not found"), (missing, text));

        Assert.Equal((200, "true"), await network.GetAsync(Transaction(network.A, hash) + "/isSender"));
        Assert.Equal((200, "false"), await network.GetAsync(Transaction(network.B, hash) + "/isSender"));
        Assert.Equal((200, $"{network.B.Key},{network.A.Key}"), await network.GetAsync(Transaction(network.A, hash) + "/participants"));
        Assert.Equal((200, network.B.Key.ToBase64()), await network.GetAsync(Transaction(network.B, hash) + "/participants"));
        Assert.Equal(
            (400, "Operation invalid. Transaction found is not a mandatory recipients privacy type"),
            await network.GetAsync(Transaction(network.A, hash) + "/mandatory"));
        Assert.Equal(200,
            (await network.GetAsync(Transaction(network.B, hash) + "?to=" + TestNetwork.Escape(network.B.Key.ToBase64()))).Status);
    }

    [Theory]
    [InlineData(60)] // in the ciphertext, behind the sender's key and two lengths
    [InlineData(20)] // in the sender's key
    [InlineData(200)] // in what follows the ciphertext: nonces, boxes, keys
    public async Task A_damaged_row_is_an_error_by_name_and_a_push_repairs_it(int place)
    {
        var body = Json(new { payload = Base64("not to be seen"), to = new[] { network.B.Key.ToBase64() } });
        (_, string sent) = await network.PostJsonAsync(network.A.Q2T + "send", body);
        var hash = JsonDocument.Parse(sent).RootElement.GetProperty("key").GetString()!;
        using var database = new Microsoft.Data.Sqlite.SqliteConnection("Data Source=" + network.B.Database);
        database.Open();
        var encoded = (byte[])Run("SELECT ENCODED_PAYLOAD FROM ENCRYPTED_TRANSACTION WHERE HASH = $hash", [])!;
        encoded[place] ^= 0x10;
        Run("UPDATE ENCRYPTED_TRANSACTION SET ENCODED_PAYLOAD = $value WHERE HASH = $hash", encoded);

        var (status, text) = await network.GetAsync(Transaction(network.B, hash));
        Assert.Equal(
            (500, $"The payload stored with hash {hash} is damaged (its checksum does not fit): have a party send it again (resend), or "
                + "restore the database from a backup"), (status, text));
        (_, string metrics) = await network.GetAsync(network.B.Health + "metrics");
        Assert.Contains("quorummesh_txmanager_damaged_payload_reads", metrics, StringComparison.Ordinal);

        // What a resend brings from A.
        (_, string resent) = await network.PostJsonAsync(network.A.P2P
            + "resend", Json(new { type = "ALL", publicKey = network.B.Key.ToBase64() }));
        (status, text) = await network.GetAsync(Transaction(network.B, hash));
        Assert.Equal((200, Base64("not to be seen")),
            (status, status == 200 ? JsonDocument.Parse(text).RootElement.GetProperty("payload").GetString() : text + resent));

        object? Run(string statement, byte[] value)
        {
            using var command = database.CreateCommand();
            command.CommandText = statement;
            command.Parameters.AddWithValue("$hash", Convert.FromBase64String(hash));
            command.Parameters.AddWithValue("$value", value);
            return command.ExecuteScalar();
        }
    }

    [Fact]
    public async Task Versioned_form_names_sender_and_managed_parties()
    {
        const string Form = "application/vnd.tessera-2.1+json";
        var (status, answer) = await network.PostJsonAsync(network.A.Q2T
            + "send", Json(new { payload = "AQ==", to = Array.Empty<string>() }), Form);
        Assert.Equal(201, status);
        var root = JsonDocument.Parse(answer).RootElement;
        Assert.Equal(network.A.Key.ToBase64(), root.GetProperty("senderKey").GetString());
        Assert.Equal(network.A.Key.ToBase64(), Assert.Single(root.GetProperty("managedParties").EnumerateArray()).GetString());

        using var request = new HttpRequestMessage(HttpMethod.Get, Transaction(network.A, root.GetProperty("key").GetString()!));
        request.Headers.TryAddWithoutValidation("Accept", Form);
        using var received = await network.Http.SendAsync(request);
        Assert.Equal(Form, received.Content.Headers.ContentType!.MediaType);
        Assert.Contains("senderKey", await received.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    public static TheoryData<string, int, string> BadSends => new()
    {
        { "{}", 400, "payload: is required" },
        { """{"payload":""}""", 400, "payload: is required" },
        { """{"payload":"no base64!"}""", 400, "payload: not base64" },
        { """{"payload":"AQ=="}{""", 400, "The body is not JSON" },
        { """{"payload":"\ud800"}""", 400, "half of a surrogate pair" },
        { """{"payload":"AQ==","to":["\udc00"]}""", 400, "half of a surrogate pair" },
        { "[]", 400, "must be a JSON object" },
        { """{"payload":1}""", 400, "payload: must be a string" },
        { """{"payload":"AQ==","to":"x"}""", 400, "to: not a public key" },
        { """{"payload":"AQ==","to":1}""", 400, "to: must be an array" },
        { """{"payload":"AQ==","to":["not a key"]}""", 400, "to: not a public key" },
        { $$"""{"payload":"AQ==","to":["{{Keys.Nobody}}"]}""", 404, $"Recipient not found for key: {Keys.Nobody}" },
        { """{"payload":"AQ==","to":["AQ=="]}""", 404, "Recipient not found for key: AQ==" },
        { $$"""{"payload":"AQ==","from":"{{Keys.Nobody}}"}""", 404, $"Public key {Keys.Nobody} not found when searching for private key" },
        { """{"payload":"AQ==","privacyFlag":1}""", 403, "Enhanced Privacy is not enabled" },
        { """{"payload":"AQ==","privacyFlag":3}""", 400, "execHash" },
        { """{"payload":"AQ==","privacyFlag":3,"execHash":"x"}""", 403, "Enhanced Privacy is not enabled" },
        { """{"payload":"AQ==","privacyFlag":2}""", 400, "mandatoryRecipients" },
        { """{"payload":"AQ==","privacyGroupId":"AQ=="}""", 404, "Privacy group Id[AQ==] not found" },
    };

    [Theory]
    [MemberData(nameof(BadSends))]
    public async Task Bad_sends_are_refused_as_by_Tessera(string body, int status, string text)
    {
        var (answered, message) = await network.PostJsonAsync(network.A.Q2T + "send", body);
        Assert.Equal(status, answered);
        Assert.Contains(text, message, StringComparison.Ordinal);
    }

    /// <summary>As GoQuorum's contract extension does: made at one party, opened at another from six members.</summary>
    [Fact]
    public async Task Encoded_payload_is_made_and_opened_and_kept_by_nobody()
    {
        const string type = "application/vnd.tessera-2.1+json";
        var create = Json(new { payload = Base64("shared state"), to = new[] { network.B.Key.ToBase64() }, privacyFlag = 0 });
        var (created, encoded) = await network.PostJsonAsync(network.A.Q2T + "encodedpayload/create", create, type);
        Assert.Equal(200, created);
        var root = JsonDocument.Parse(encoded).RootElement;
        Assert.Equal(2, root.GetProperty("recipientBoxes").GetArrayLength());
        string[] six = ["senderKey", "cipherText", "cipherTextNonce", "recipientBoxes", "recipientNonce", "recipientKeys"];
        Task<(int Status, string Body)> OpenAsync(Participant at, string cipherText) => network.PostJsonAsync(
            at.Q2T + "encodedpayload/decrypt",
            Json(six.ToDictionary(m => m, m => m == "cipherText" ? (object)cipherText : root.GetProperty(m))), type);

        var sealedText = root.GetProperty("cipherText").GetString()!;
        foreach (var party in new[] { network.A, network.B })
        {
            var (opened, body) = await OpenAsync(party, sealedText);
            Assert.Equal((200, Base64("shared state")), (opened, JsonDocument.Parse(body).RootElement.GetProperty("payload").GetString()));
        }

        Assert.Equal(500, (await OpenAsync(network.C, sealedText)).Status);
        var damaged = Convert.FromBase64String(sealedText);
        damaged[^1] ^= 1;
        Assert.Equal(500, (await OpenAsync(network.B, Convert.ToBase64String(damaged))).Status);
        Assert.Equal(400, (await network.PostJsonAsync(network.B.Q2T + "encodedpayload/decrypt", "{}", type)).Status);
        Assert.Equal(400, (await network.PostJsonAsync(network.A.Q2T + "encodedpayload/create", "{}", type)).Status);
        Assert.Equal(403, (await network.PostJsonAsync(network.A.Q2T + "encodedpayload/create",
            Json(new { payload = Base64("x"), privacyFlag = 1 }), type)).Status);
        var hash = QuorumMesh.Primitives.Sha3.HashPayload(Convert.FromBase64String(sealedText)).ToBase64();
        Assert.Equal(404, (await network.GetAsync(Transaction(network.A, hash))).Status);
    }

    [Fact]
    public async Task Other_media_types_and_large_bodies_are_refused()
    {
        Assert.Equal(415, (await network.PostJsonAsync(network.A.Q2T + "send", "{}", "text/xml")).Status);
        Assert.Equal(415, (await network.PostJsonAsync(network.A.Q2T + "sendsignedtx", "{}", "text/xml")).Status);
        Assert.Equal(413, (await network.PostBytesAsync(network.A.Q2T + "sendraw", new byte[1_000_001])).Status);
        var deep = "{\"payload\":" + new string('[', 5000) + new string(']', 5000) + "}";
        Assert.Equal(400, (await network.PostJsonAsync(network.A.Q2T + "send", deep)).Status);
        Assert.Equal(400, (await network.PostBytesAsync(network.A.Q2T + "sendraw", [])).Status);
        Assert.Equal(200, (await network.GetAsync(network.A.Q2T + "upcheck")).Status);
    }

    [Theory]
    [InlineData("invalidhashvalue", 404)]
    [InlineData("no*base64", 400)]
    public async Task Hashes_that_are_none(string hash, int status)
    {
        var (answered, message) = await network.GetAsync(Transaction(network.A, hash));
        Assert.Equal(status, answered);
        if (status == 404)
            Assert.Equal("Message with hash invalidhashvalue was not found", message);
        Assert.Equal(status, (await network.GetAsync(Transaction(network.A, hash) + "/isSender")).Status);
        using var raw = await network.ReceiveRawAsync(network.A, hash);
        Assert.Equal(status, (int)raw.StatusCode);
    }

    [Fact]
    public async Task Receiveraw_wants_its_header()
    {
        Assert.Equal(400, (await network.GetAsync(network.A.Q2T + "receiveraw")).Status);
        Assert.Equal(400, (await network.GetAsync(network.A.Q2T + "transaction/AQ%3D%3D?isRaw=perhaps")).Status);
    }

    [Fact]
    public async Task Stored_raw_payload_is_sent_later_and_again()
    {
        var (status, answer) = await network.PostJsonAsync(network.A.ThirdParty + "storeraw", Json(new { payload = Base64("later") })
            + "\n");
        Assert.Equal(200, status);
        var hash = JsonDocument.Parse(answer).RootElement.GetProperty("key").GetString()!;
        Assert.Equal(404, (await network.GetAsync(Transaction(network.A, hash))).Status);
        Assert.Equal(200, (await network.GetAsync(Transaction(network.A, hash) + "?isRaw=true")).Status);

        using var request = new HttpRequestMessage(HttpMethod.Post, network.A.Q2T + "sendsignedtx");
        request.Content = new ByteArrayContent(Convert.FromBase64String(hash));
        request.Content.Headers.ContentType = new("application/octet-stream");
        request.Headers.TryAddWithoutValidation("c11n-to", network.B.Key.ToBase64());
        using var signed = await network.Http.SendAsync(request);
        Assert.Equal(HttpStatusCode.OK, signed.StatusCode);
        Assert.Equal(hash, await signed.Content.ReadAsStringAsync());
        Assert.Equal(200, (await network.GetAsync(Transaction(network.B, hash))).Status);

        var again = Json(new { hash, to = new[] { network.B.Key.ToBase64(), network.C.Key.ToBase64() }, privacyFlag = 0 });
        Assert.Equal((201, $$"""{"key":"{{hash}}"}"""), await network.PostJsonAsync(network.A.Q2T + "sendsignedtx", again));
        using var atC = await network.ReceiveRawAsync(network.C, hash);
        Assert.Equal("later", await atC.Content.ReadAsStringAsync());

        var unknown = Convert.ToBase64String(new byte[64]);
        var (missing, text) = await network.PostJsonAsync(network.A.Q2T + "sendsignedtx", Json(new { hash = unknown }));
        Assert.Equal((404, $"Raw Transaction with hash {unknown} was not found"), (missing, text));
        Assert.Equal(404, (await network.PostBytesAsync(network.A.Q2T + "sendsignedtx", [1, 2, 3])).Status);
    }

    [Fact]
    public async Task Deleted_payload_is_missing_not_unknown()
    {
        var hash = await network.SendRawAsync(network.A, "gone", network.B);
        using var deleted = await network.Http.DeleteAsync(Transaction(network.B, hash));
        Assert.Equal(HttpStatusCode.NoContent, deleted.StatusCode);
        using var again = await network.Http.DeleteAsync(Transaction(network.B, hash));
        Assert.Equal(HttpStatusCode.NotFound, again.StatusCode);

        using var missing = await network.ReceiveRawAsync(network.B, hash);
        Assert.Equal(HttpStatusCode.NotFound, missing.StatusCode);
        Assert.Equal(RestHeaders.Missing, Assert.Single(missing.Headers.GetValues(RestHeaders.Availability)));
        using var stranger = await network.ReceiveRawAsync(network.C, hash);
        Assert.Equal(HttpStatusCode.NotFound, stranger.StatusCode);
        Assert.False(stranger.Headers.Contains(RestHeaders.Availability));

        Assert.Equal((200, "Delete successful"), await network.PostJsonAsync(network.A.Q2T + "delete", Json(new { key = hash })));
        Assert.Equal(404, (await network.PostJsonAsync(network.A.Q2T + "delete", Json(new { key = hash }))).Status);
    }

    [Fact]
    public async Task Third_party_lists_keys()
    {
        Assert.Equal((200, $$"""{"keys":[{"key":"{{network.A.Key}}"}]}"""), await network.GetAsync(network.A.ThirdParty + "keys"));
        var (status, keys) = await network.GetAsync(network.A.ThirdParty + "partyinfo/keys");
        Assert.Equal(200, status);
        Assert.Equal(3, JsonDocument.Parse(keys).RootElement.GetProperty("keys").GetArrayLength());
    }

    [Fact]
    public async Task Parallel_sends_all_arrive()
    {
        var hashes = await Task.WhenAll(Enumerable.Range(0, 200)
            .Select(i => network.SendRawAsync(network.A, $"payload {i}", network.B, network.C)));
        Assert.Equal(200, hashes.Distinct().Count());
        for (var i = 0; i < hashes.Length; i++)
        {
            foreach (var party in network.All)
            {
                using var received = await network.ReceiveRawAsync(party, hashes[i]);
                Assert.Equal($"payload {i}", await received.Content.ReadAsStringAsync());
            }
        }
    }
}
