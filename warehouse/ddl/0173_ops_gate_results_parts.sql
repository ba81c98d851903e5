-- Which audiences a rule found at fault, so that one that is bad holds back no other.
alter table ops.gate_results
add column parts Array(String) comment 'What is at fault and alone kept back, such as an audience. Empty: all that the gate is about'
