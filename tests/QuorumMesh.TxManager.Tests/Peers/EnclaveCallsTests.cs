using System.Text;
using QuorumMesh.Outbound;
using QuorumMesh.Tests.Shared.Managers;
using QuorumMesh.TxManager.Core;
using QuorumMesh.TxManager.Core.EnclaveClient;

namespace QuorumMesh.TxManager.Tests.Peers;

/// <summary>Calls of the enclave that are made at the same time.</summary>
public sealed class EnclaveCallsTests(TestNetwork network) : IClassFixture<TestNetwork>
{
    [Fact]
    public async Task Calls_that_are_made_together_have_each_its_own_outcome()
    {
        using var enclave = new GrpcEnclave($"unix:{network.A.EnclaveSocket}", Wait.Limit, new OutboundHandlers());
        Assert.Equal([network.A.Key], (await enclave.KeysAsync(default)).Active);
        for (var round = 0; round < 3; round++)
        {
            var stranger = Assert.ThrowsAsync<PrivacyException>(
                () => enclave.SealAsync(Payload(0), network.B.Key, [network.B.Key], [], default));
            var payloads = await Task.WhenAll(Enumerable.Range(1, 300).Select(
                i => enclave.SealAsync(Payload(i), network.A.Key, [network.A.Key], [], default)));
            var opened = await Task.WhenAll(payloads.Select(p => enclave.OpenAsync(p, null, default)));
            Assert.Equal(Enumerable.Range(1, 300).Select(i => $"payload {i}"), opened.Select(o => Encoding.UTF8.GetString(o.Payload)));
            Assert.Equal(Failure.KeyNotFound, (await stranger).Failure);
            // What does not open is that one's alone too.
            var broken = payloads[5] with { RecipientNonce = new byte[24] };
            Task<PrivacyException>[] refused = [.. Enumerable.Range(0, 3).Select(
                _ => Assert.ThrowsAsync<PrivacyException>(() => enclave.OpenAsync(broken, null, default)))];
            Assert.All(await Task.WhenAll(payloads.Take(20).Select(p => enclave.OpenAsync(p, null, default))),
                o => Assert.Equal(network.A.Key, o.KeyUsed));
            Assert.All(await Task.WhenAll(refused), e => Assert.Equal(Failure.InvalidPayload, e.Failure));
        }
    }

    private static byte[] Payload(int number) => Encoding.UTF8.GetBytes($"payload {number}");
}
