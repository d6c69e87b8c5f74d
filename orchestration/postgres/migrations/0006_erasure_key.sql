create table access.erasure_key (
    key_id text primary key
);
comment on table access.erasure_key is
    'Which keys the hashes in access.erased_number were made with: ids only. The keys are in '
    'HOME/erasure.key.';

insert into access.erasure_key (key_id)
select distinct left(encode(sha256(secret), 'hex'), 16) from access.erased_secret
where exists (select from access.erased_number);

drop table access.erased_secret;
