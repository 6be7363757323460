using Microsoft.Data.Sqlite;
using QuorumMesh.Contracts;
using QuorumMesh.Contracts.Payloads;
using QuorumMesh.Tests.Shared.Managers;
using QuorumMesh.TxManager.Core.Distribution;

namespace QuorumMesh.TxManager.Tests.Grpc;

/// <summary>
/// Payloads that a Tessera stored have no participation record: were they lost then, the node would be told that it is no party.
/// </summary>
public sealed class ParticipationTests(TestNetwork network) : IClassFixture<TestNetwork>
{
    [Fact]
    public async Task A_database_without_records_gets_them_at_start()
    {
        var sent = await network.SendRawAsync(network.A, "at start", network.B);
        await network.B.StopManagerAsync();
        Forget(network.B.Database);
        await network.B.StartManagerAsync();
        await NotedAsync(sent);
        Assert.True(await IsToldMissingAfterLossAsync(sent));
    }

    [Fact]
    public async Task A_payload_that_is_pushed_again_gets_its_record()
    {
        var sent = await network.SendRawAsync(network.A, "pushed again", network.B);
        var stored = Stored(sent);
        Forget(network.B.Database);
        (int status, _) = await network.PostBytesAsync(network.B.P2P + "push", LegacyPayloadCodec.Encode(stored));
        Assert.Equal(201, status);
        Assert.True(await IsToldMissingAfterLossAsync(sent));
    }

    private EncodedPayload Stored(string hash)
    {
        using var connection = Open(network.B.Database);
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT ENCODED_PAYLOAD FROM ENCRYPTED_TRANSACTION WHERE HASH = @hash";
        command.Parameters.AddWithValue("@hash", Convert.FromBase64String(hash));
        return LegacyPayloadCodec.Decode((byte[])command.ExecuteScalar()!);
    }

    private static void Forget(string database)
    {
        using var connection = Open(database);
        using var command = connection.CreateCommand();
        command.CommandText = "DELETE FROM PARTICIPATION";
        command.ExecuteNonQuery();
    }

    private static SqliteConnection Open(string database)
    {
        var connection = new SqliteConnection($"Data Source={database};Pooling=False;Default Timeout=60");
        connection.Open();
        return connection;
    }

    private Task NotedAsync(string hash) => Wait.UntilAsync(() =>
    {
        using var connection = Open(network.B.Database);
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT COUNT(*) FROM PARTICIPATION WHERE HASH = @hash";
        command.Parameters.AddWithValue("@hash", Convert.FromBase64String(hash));
        return Task.FromResult((long)command.ExecuteScalar()! > 0);
    }, "the payload has its record");

    /// <summary>The payload is deleted; whether the node is told then that it is a party.</summary>
    private async Task<bool> IsToldMissingAfterLossAsync(string hash)
    {
        var path = $"{network.B.Q2T}transaction/{TestNetwork.Escape(hash)}";
        using var deleted = await network.Http.DeleteAsync(path);
        Assert.Equal(204, (int)deleted.StatusCode);
        using var gone = await network.Http.GetAsync(path);
        Assert.Equal(404, (int)gone.StatusCode);
        return gone.Headers.TryGetValues(RestHeaders.Availability, out var values)
            && values.Contains(RestHeaders.Missing, StringComparer.OrdinalIgnoreCase);
    }
}
