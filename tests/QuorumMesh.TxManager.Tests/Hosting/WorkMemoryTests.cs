using Google.Protobuf;
using Grpc.Core;
using QuorumMesh.Contracts.Payloads;
using QuorumMesh.Contracts.Privacy;
using QuorumMesh.Outbound;
using QuorumMesh.Tests.Shared.Managers;
using QuorumMesh.TxManager.Core.Distribution;
using QuorumMesh.TxManager.Core.EnclaveClient;

namespace QuorumMesh.TxManager.Tests.Hosting;

/// <summary>
/// Many callers at once have payloads worked on that take long: what is in work is bounded for all of them together (32 MiB here), what
/// does not fit is refused, small calls pass, and all room comes back.
/// </summary>
public sealed class WorkMemoryTests(TestNetwork network) : IClassFixture<TestNetwork>, IAsyncLifetime
{
    private const int Calls = 60;
    private const int Length = 900_000;

    /// <summary>Of 32 MiB, each payload in work takes its forms.</summary>
    private const int MostInWork = 32 * 1024 * 1024 / (PayloadRoom.Forms * Length);

    private GrpcEnclave _real = null!;
    private HeldEnclave _enclave = null!;

    public async Task InitializeAsync()
    {
        await network.A.StopManagerAsync();
        _real = new GrpcEnclave("unix:" + network.A.EnclaveSocket, TimeSpan.FromMinutes(2), new OutboundHandlers());
        _enclave = new HeldEnclave(_real);
        await network.A.StartManagerAsync(_enclave);
        await network.WaitForMeshAsync();
    }

    public async Task DisposeAsync()
    {
        _enclave.Free();
        await network.A.StopManagerAsync();
        await network.A.StartManagerAsync();
        _real.Dispose();
    }

    [Fact]
    public async Task Receives_over_gRPC()
    {
        using var channel = network.A.GrpcChannel();
        var client = new PrivacyManager.PrivacyManagerClient(channel);
        var sent = await client.SendAsync(new SendRequest { Payload = ByteString.CopyFrom(Payload(1)) });
        var ask = new ReceiveRequest { Hashes = { sent.Hash }, MaxBytes = 4_000_000 };
        await DriveAsync(
            _ => GrpcAsync(async () => Assert.Equal(Length, (await client.ReceiveAsync(ask)).Answers.Single().Payload.Length)),
            async () =>
            {
                Assert.InRange(network.A.GrpcBudget.Held, 1, network.A.GrpcBudget.Limit);
                Assert.NotEmpty((await client.InfoAsync(new InfoRequest())).Keys);
            });
        await Wait.UntilAsync(() => Task.FromResult(network.A.GrpcBudget.Held == 0), "all room is back");
    }

    [Fact]
    public async Task Sends_over_gRPC()
    {
        using var channel = network.A.GrpcChannel();
        var client = new PrivacyManager.PrivacyManagerClient(channel);
        await DriveAsync(
            i => GrpcAsync(async () => await client.SendAsync(new SendRequest { Payload = ByteString.CopyFrom(Payload(i)) })),
            async () => Assert.NotEmpty((await client.InfoAsync(new InfoRequest())).Keys));
        await Wait.UntilAsync(() => Task.FromResult(network.A.GrpcBudget.Held == 0), "all room is back");
    }

    [Fact]
    public async Task Receives_over_REST()
    {
        using var channel = network.A.GrpcChannel();
        var sent = await new PrivacyManager.PrivacyManagerClient(channel).SendAsync(
            new SendRequest { Payload = ByteString.CopyFrom(Payload(2)) });
        var url = $"{network.A.Q2T}transaction/{TestNetwork.Escape(Convert.ToBase64String(sent.Hash.Span))}";
        await DriveAsync(async _ => await RestAsync(await network.Http.GetAsync(url)), UpcheckAsync);
    }

    [Fact]
    public async Task Pushes()
    {
        var pushes = new List<byte[]>();
        using var ofB = new GrpcEnclave("unix:" + network.B.EnclaveSocket, TimeSpan.FromMinutes(2), new OutboundHandlers());
        for (var i = 0; i < Calls; i++)
            pushes.Add(LegacyPayloadCodec.Encode(
                (await ofB.SealAsync(Payload(100 + i), network.B.Key, [network.A.Key], [], default)).ForRecipient(network.A.Key)!));
        await DriveAsync(
            async i => await RestAsync(await network.Http.PostAsync(network.A.P2P + "push", Octets(pushes[i]))), UpcheckAsync);
    }

    private static byte[] Payload(int number)
    {
        var payload = new byte[Length];
        BitConverter.TryWriteBytes(payload, number);
        return payload;
    }

    private static ByteArrayContent Octets(byte[] bytes) => new(bytes) { Headers = { ContentType = new("application/octet-stream") } };

    private static async Task<bool> GrpcAsync(Func<Task> call)
    {
        try
        {
            await call();
            return true;
        }
        catch (RpcException e) when (e.StatusCode == StatusCode.ResourceExhausted)
        {
            Assert.Contains("try again later", e.Status.Detail, StringComparison.Ordinal);
            return false;
        }
    }

    private static async Task<bool> RestAsync(HttpResponseMessage answer)
    {
        using (answer)
        {
            if (answer.IsSuccessStatusCode)
                return true;
            Assert.Equal(503, (int)answer.StatusCode);
            Assert.Contains("try again later", await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
            return false;
        }
    }

    private async Task UpcheckAsync() => Assert.Equal("I'm up!", (await network.GetAsync(network.A.P2P + "upcheck")).Body);

    /// <param name="call">True when it was answered, false when it was refused for want of room.</param>
    /// <param name="whileHeld">What must hold while as many as may be are in work.</param>
    private async Task DriveAsync(Func<int, Task<bool>> call, Func<Task> whileHeld)
    {
        _enclave.Hold();
        Task<bool>[] calls = [.. Enumerable.Range(0, Calls).Select(call)];
        await Wait.UntilAsync(
            () => Task.FromResult(calls.Count(c => c.IsCompleted) + _enclave.Waiting == Calls), "each call is in work or over");
        Assert.InRange(_enclave.Waiting, 1, MostInWork);
        await whileHeld();
        _enclave.Free();
        var answered = (await Task.WhenAll(calls).WaitAsync(Wait.Limit)).Count(a => a);
        Assert.InRange(answered, 1, MostInWork);
        // There is room again, for every one.
        for (var i = 0; i < Calls; i += 20)
            Assert.True(await call(i));
    }
}
