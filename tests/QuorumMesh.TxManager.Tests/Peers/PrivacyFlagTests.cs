using System.Net;
using System.Text;
using System.Text.Json;
using Google.Protobuf;
using QuorumMesh.Contracts;
using QuorumMesh.Contracts.Payloads;
using QuorumMesh.Contracts.Privacy;
using QuorumMesh.Outbound;
using QuorumMesh.Primitives;
using QuorumMesh.Tests.Shared;
using QuorumMesh.Tests.Shared.Managers;
using QuorumMesh.TxManager.Core.EnclaveClient;

namespace QuorumMesh.TxManager.Tests.Peers;

/// <summary>Privacy flags at sender and receiver (tessera 8.2, 8.3), between managers that have them on.</summary>
public sealed class PrivacyFlagTests(PrivacyFlagTests.EnhancedNetwork network) : IClassFixture<PrivacyFlagTests.EnhancedNetwork>
{
    private const string Vendor = "application/vnd.tessera-4.0+json";

    [Fact]
    public async Task Each_recipient_is_told_of_the_contracts_that_it_knows()
    {
        var withB = await SendAsync(1, [], network.B);
        var withC = await SendAsync(1, [], network.C);
        var both = await SendAsync(1, [withB, withC], network.B, network.C);
        Assert.Equal(Text(1, withB), await AskAsync(network.B, both));
        Assert.Equal(Text(1, withC), await AskAsync(network.C, both));
        Assert.Equal(Text(1, withB, withC), await AskAsync(network.A, both));
    }

    [Fact]
    public async Task A_sender_is_refused_what_its_flag_forbids()
    {
        var standard = await SendAsync(0, [], network.B);
        var party = await SendAsync(1, [], network.B);
        var state = await SendAsync(3, [], network.B);
        var mandatory = await SendAsync(2, [], [network.B], network.B);
        var unknown = Convert.ToBase64String(new byte[64]);
        await RefusedAsync(403, $"Unable to find affectedContractTransaction {unknown}", 1, [unknown], [network.B]);
        await RefusedAsync(403, $"Privacy metadata mismatched with Affected Txn {party}", 0, [party], [network.B]);
        await RefusedAsync(403, $"Privacy metadata mismatched with Affected Txn {standard}", 1, [standard], [network.B]);
        await RefusedAsync(403, $"Privacy metadata mismatched with Affected Txn {party}", 3, [party], [network.B]);
        await RefusedAsync(403, $"Recipients mismatched for Affected Txn {state}", 3, [state], [network.B, network.C]);
        await RefusedAsync(403, $"Recipients mismatched for Affected Txn {state}", 3, [state], []);
        await RefusedAsync(403, "One or more mandatory recipients not included in the participant list", 2, [], [network.C], network.B);
        await RefusedAsync(403, $"Privacy metadata mismatched with Affected Txn {mandatory}", 2, [mandatory], [network.B, network.C],
            network.C);
        // In any order, and more than once.
        Assert.Equal(Text(3, state), await AskAsync(network.B, await SendAsync(3, [state], network.B, network.B)));
        Assert.Equal(Text(2, mandatory), await AskAsync(network.B, await SendAsync(2, [mandatory], [network.B], network.B)));
    }

    [Fact]
    public async Task All_parties_of_private_state_validation_know_each_other_and_the_execution_hash()
    {
        var hash = await SendAsync(3, [], network.B, network.C);
        var expected = network.All.Select(p => p.Key.ToBase64()).Order(StringComparer.Ordinal);
        foreach (var party in network.All)
        {
            var keys = await network.Http.GetStringAsync($"{party.Q2T}transaction/{TestNetwork.Escape(hash)}/participants");
            Assert.Equal(expected, keys.Split(',').Order(StringComparer.Ordinal));
            using var answer = await ReadAsync(party, hash);
            Assert.Equal("an execution hash", answer.RootElement.GetProperty("execHash").GetString());
        }
    }

    [Fact]
    public async Task Mandatory_recipients_are_shown_to_parties()
    {
        var hash = await SendAsync(2, [], [network.B], network.B, network.C);
        foreach (var party in network.All)
            Assert.Equal(network.B.Key.ToBase64(),
                await network.Http.GetStringAsync($"{party.Q2T}transaction/{TestNetwork.Escape(hash)}/mandatory"));
        var plain = await SendAsync(1, [], network.B);
        using var refused = await network.Http.GetAsync($"{network.A.Q2T}transaction/{TestNetwork.Escape(plain)}/mandatory");
        Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
    }

    /// <summary>Who pushes must not find out who is a party to what: it is acknowledged, and not stored.</summary>
    [Theory]
    [InlineData(PrivacyMode.StandardPrivate)]
    [InlineData(PrivacyMode.PrivateStateValidation)]
    public async Task A_push_that_names_a_contract_of_another_flag_is_passed_over_in_silence(PrivacyMode mode)
    {
        var party = await SendAsync(1, [], network.B);
        var forged = await ForgeAsync(mode, new AffectedTransaction(Hash(party), new byte[64]));
        Assert.Equal((201, forged.ComputeHash().ToBase64()), await PushAsync(forged));
        await IsNotThereAsync(network.B, forged);
    }

    [Fact]
    public async Task A_push_of_state_validation_over_a_contract_that_is_not_known_is_passed_over_in_silence()
    {
        var elsewhere = await SendAsync(3, [], network.C);
        var forged = await ForgeAsync(PrivacyMode.PrivateStateValidation, new AffectedTransaction(Hash(elsewhere), new byte[64]));
        Assert.Equal(201, (await PushAsync(forged)).Status);
        await IsNotThereAsync(network.B, forged);
    }

    /// <summary>Else a stranger, who can make no box, would learn by it what this manager is a party to.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(3)]
    public async Task A_push_that_does_not_open_has_one_answer_whether_its_contract_is_known_or_not(int flag)
    {
        string[] named = [await SendAsync(1, [], network.B), await SendAsync(3, [], network.B), Convert.ToBase64String(new byte[64])];
        foreach (var sender in new[] { network.A.Key, network.B.Key })
        {
            var answers = new HashSet<int>();
            foreach (var hash in named)
            {
                var forged = await ForgeAsync((PrivacyMode)flag, new AffectedTransaction(Hash(hash), new byte[64]));
                answers.Add((await PushAsync(forged with { SenderKey = sender, RecipientBoxes = [new byte[48]] })).Status);
            }

            Assert.NotEqual(201, Assert.Single(answers));
        }
    }

    [Fact]
    public async Task A_stranger_that_says_we_sent_it_learns_nothing_of_state_validation()
    {
        var state = await SendAsync(3, [], network.B);
        foreach (var hash in new[] { state, Convert.ToBase64String(new byte[64]) })
        {
            using var enclave = new GrpcEnclave("unix:" + network.C.EnclaveSocket, Wait.Limit, new OutboundHandlers());
            var payload = await enclave.SealAsync(
                Encoding.UTF8.GetBytes("forged " + Guid.NewGuid()), network.C.Key, [network.B.Key], [], default);
            // The box is as good the other way round.
            var forged = payload with
            {
                SenderKey = network.B.Key,
                RecipientKeys = [network.C.Key, network.A.Key, network.B.Key],
                PrivacyMode = PrivacyMode.PrivateStateValidation,
                ExecutionHash = [1],
                AffectedTransactions = [new AffectedTransaction(Hash(hash), new byte[64])],
            };
            Assert.Equal(201, (await PushAsync(forged)).Status);
            await IsNotThereAsync(network.B, forged);
        }
    }

    [Fact]
    public async Task A_proof_that_does_not_hold_is_dropped_and_with_state_validation_refused()
    {
        var party = await SendAsync(1, [], network.B);
        var forged = await ForgeAsync(PrivacyMode.PartyProtection, new AffectedTransaction(Hash(party), new byte[64]));
        Assert.Equal(201, (await PushAsync(forged)).Status);
        Assert.Equal(Text(1), await AskAsync(network.B, forged.ComputeHash().ToBase64()));

        var state = await SendAsync(3, [], network.B);
        forged = await ForgeAsync(PrivacyMode.PrivateStateValidation, new AffectedTransaction(Hash(state), new byte[64]));
        var name = forged.ComputeHash().ToBase64();
        Assert.Equal((403, $"Invalid security hashes identified for PSC TX TxHash[{name}]. Invalid ACOTHs: {state}"),
            await PushAsync(forged));
        await IsNotThereAsync(network.B, forged);
    }

    /// <summary>Else a node that was told and one that has asked would run it in different ways.</summary>
    [Fact]
    public async Task What_the_watch_brings_along_is_what_a_question_gives_whatever_the_flag()
    {
        var b = new PrivacyManager.PrivacyManagerClient(network.B.GrpcChannel());
        using var limit = new CancellationTokenSource(Wait.Limit);
        using var watch = b.Watch(new WatchRequest { WithPayloads = true }, cancellationToken: limit.Token);
        var (party, state) = (await SendAsync(1, [], network.B), await SendAsync(3, [], network.B, network.C));
        string[] sent =
        [
            party, state, await SendAsync(0, [], network.B), await SendAsync(1, [party], network.B, network.C),
            await SendAsync(2, [], [network.B], network.B, network.C), await SendAsync(3, [state], network.B, network.C),
        ];
        var told = new Dictionary<string, PayloadAnswer?>();
        while (sent.Any(hash => !told.ContainsKey(hash)) && await watch.ResponseStream.MoveNext(limit.Token))
            told[watch.ResponseStream.Current.Hash.ToBase64()] = watch.ResponseStream.Current.Answer;
        var ask = new ReceiveRequest();
        ask.Hashes.AddRange(sent.Select(ByteString.FromBase64));
        var asked = (await b.ReceiveAsync(ask, cancellationToken: limit.Token)).Answers;
        Assert.Equal([1, 3, 0, 1, 2, 3], asked.Select(a => (int)a.PrivacyFlag));
        Assert.Equal(asked, sent.Select(hash => told[hash]));
    }

    [Fact]
    public async Task A_payload_stored_first_is_sent_with_its_flag()
    {
        var party = await SendAsync(1, [], network.B);
        var hash = await StoreRawAsync();
        var (status, body) = await SendSignedAsync(hash, [network.B],
            new { privacyFlag = 1, affectedContractTransactions = new[] { party } });
        Assert.True(status == 201, body);
        Assert.Equal(Text(1, party), await AskAsync(network.B, hash));
    }

    [Fact]
    public async Task A_payload_that_was_sent_is_not_sent_again_with_other_promises()
    {
        var (first, second) = (await SendAsync(3, [], network.B), await SendAsync(3, [], network.B));
        var state = await StoreRawAsync();
        Task<(int, string)> SendStateAsync(string execHash, string[] affected, params Participant[] to) => SendSignedAsync(state, to,
            new { privacyFlag = 3, execHash, affectedContractTransactions = affected });
        for (var i = 0; i < 2; i++)
            Assert.Equal(201, (await SendStateAsync("one", [first], network.B)).Item1);
        (int, string) refused = (500, "Invalid existing transaction");
        Assert.Equal(refused, await SendStateAsync("two", [first], network.B));
        Assert.Equal(refused, await SendStateAsync("one", [first, second], network.B));
        Assert.Equal(refused, await SendStateAsync("one", [], network.B, network.C));

        var mandatory = await StoreRawAsync();
        Task<(int, string)> SendMandatoryAsync(Participant whom, params Participant[] to) => SendSignedAsync(mandatory, to,
            new { privacyFlag = 2, mandatoryRecipients = new[] { whom.Key.ToBase64() } });
        Assert.Equal(201, (await SendMandatoryAsync(network.B, network.B)).Item1);
        Assert.Equal(refused, await SendMandatoryAsync(network.C, network.B, network.C));
        // To further recipients, with the same promise.
        Assert.Equal(201, (await SendMandatoryAsync(network.B, network.B, network.C)).Item1);
    }

    private async Task<string> StoreRawAsync()
    {
        var (status, body) = await network.PostJsonAsync(network.A.Q2T + "storeraw", JsonSerializer.Serialize(new
        {
            payload = Convert.ToBase64String(Encoding.UTF8.GetBytes("a signed one " + Guid.NewGuid())),
        }));
        Assert.Equal(200, status);
        using var stored = JsonDocument.Parse(body);
        return stored.RootElement.GetProperty("key").GetString()!;
    }

    private Task<(int Status, string Body)> SendSignedAsync(string hash, Participant[] to, object privacy)
    {
        var body = JsonSerializer.SerializeToNode(privacy)!;
        body["hash"] = hash;
        body["to"] = JsonSerializer.SerializeToNode(to.Select(p => p.Key.ToBase64()));
        return network.PostJsonAsync(network.A.Q2T + "sendsignedtx", body.ToJsonString(), Vendor);
    }

    private static PayloadHash Hash(string base64) => new(Convert.FromBase64String(base64));

    private Task<string> SendAsync(int flag, string[] affected, params Participant[] to) => SendAsync(flag, affected, [], to);

    private async Task<string> SendAsync(int flag, string[] affected, Participant[] mandatory, params Participant[] to)
    {
        var (status, body) = await PostAsync(flag, affected, to, mandatory);
        Assert.True(status == 201, $"{status} {body}");
        using var answer = JsonDocument.Parse(body);
        return answer.RootElement.GetProperty("key").GetString()!;
    }

    private async Task RefusedAsync(int status, string text, int flag, string[] affected, Participant[] to, params Participant[] mandatory)
    {
        if (flag == 2 && mandatory.Length == 0) mandatory = [network.B];
        Assert.Equal((status, text), await PostAsync(flag, affected, to, mandatory));
    }

    private Task<(int Status, string Body)> PostAsync(int flag, string[] affected, Participant[] to, Participant[] mandatory) =>
        network.PostJsonAsync(network.A.Q2T + "send", JsonSerializer.Serialize(new
        {
            payload = Convert.ToBase64String(Encoding.UTF8.GetBytes("payload " + Guid.NewGuid())),
            to = to.Select(p => p.Key.ToBase64()),
            privacyFlag = flag,
            affectedContractTransactions = affected,
            execHash = flag == 3 ? "an execution hash" : null,
            mandatoryRecipients = flag == 2 ? mandatory.Select(p => p.Key.ToBase64()) : null,
        }), Vendor);

    private async Task<JsonDocument> ReadAsync(Participant at, string hash) =>
        JsonDocument.Parse(await network.Http.GetStringAsync($"{at.Q2T}transaction/{TestNetwork.Escape(hash)}"));

    /// <summary>Flag and affected transactions, as one text.</summary>
    private async Task<string> AskAsync(Participant at, string hash)
    {
        using var answer = await ReadAsync(at, hash);
        return Text(answer.RootElement.GetProperty("privacyFlag").GetInt32(),
            [.. answer.RootElement.GetProperty("affectedContractTransactions").EnumerateArray().Select(h => h.GetString()!)]);
    }

    private static string Text(int flag, params string[] affected) =>
        $"{flag} [{string.Join(", ", affected.Order(StringComparer.Ordinal))}]";

    /// <summary>A payload from A to B, as A's manager would not make it.</summary>
    private async Task<EncodedPayload> ForgeAsync(PrivacyMode mode, AffectedTransaction affected)
    {
        using var enclave = new GrpcEnclave("unix:" + network.A.EnclaveSocket, Wait.Limit, new OutboundHandlers());
        var payload = await enclave.SealAsync(
            Encoding.UTF8.GetBytes("forged " + Guid.NewGuid()), network.A.Key, [network.B.Key, network.A.Key], [], default);
        return (payload with
        {
            PrivacyMode = mode,
            AffectedTransactions = [affected],
            ExecutionHash = mode == PrivacyMode.PrivateStateValidation ? [1] : [],
        }).ForRecipient(network.B.Key)!;
    }

    private Task<(int Status, string Body)> PushAsync(EncodedPayload payload) =>
        network.PostBytesAsync(network.B.P2P + "push", LegacyPayloadCodec.Encode(payload));

    private async Task IsNotThereAsync(Participant at, EncodedPayload payload)
    {
        using var answer = await network.Http.GetAsync(
            $"{at.Q2T}transaction/{TestNetwork.Escape(payload.ComputeHash().ToBase64())}");
        Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
    }

    public sealed class EnhancedNetwork : TestNetwork
    {
        private protected override bool HasPrivacyEnhancements => true;

        /// <summary>A flag is sent to those alone that have said what they know.</summary>
        public override async Task InitializeAsync()
        {
            await base.InitializeAsync();
            await Wait.UntilAsync(async () =>
            {
                foreach (var from in All)
                {
                    var (status, _) = await PostJsonAsync(from.Q2T + "send", JsonSerializer.Serialize(new
                    {
                        payload = "AQ==",
                        to = All.Select(p => p.Key.ToBase64()),
                        privacyFlag = 1,
                    }));
                    if (status != 201) return false;
                }

                return true;
            }, "every manager knows what the others know");
        }
    }
}
